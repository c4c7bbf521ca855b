import sys

try:
    from .cli import main
except ModuleNotFoundError as error:
    if error.name != "ray":
        raise
    sys.exit("error: Ray is missing: install it with `pip install -r requirements/ray.txt`, or use `make run-ray`")

main()
