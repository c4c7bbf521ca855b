"""Makes a classifier of your own classes from photos. It needs the packages of requirements/teach.txt."""

import signal
import sys

from ..resources import give_large_memory_back

try:
    from .cli import main
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    sys.exit(
        "error: scikit-learn is missing: install it with `pip install -r requirements/teach.txt`, or use `make teach`"
    )

signal.signal(signal.SIGTERM, signal.default_int_handler)
give_large_memory_back()
main()
