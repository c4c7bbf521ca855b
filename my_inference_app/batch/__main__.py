import signal
import sys

from ..resources import give_large_memory_back

try:
    from .cli import main
except ModuleNotFoundError as error:
    if error.name != "pyarrow":
        raise
    sys.exit("error: pyarrow is missing: install it with `pip install -r requirements/batch.txt`, or use `make batch`")

signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop by the system saves as much as Ctrl-C
give_large_memory_back()
main()
