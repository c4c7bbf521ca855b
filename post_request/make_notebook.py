"""`make notebook`: runs the cells of try_the_service.py against a service, and writes them with their output.

The notebook is try_the_service.ipynb, or the file that is named as an argument.
"""

import os
import sys
from pathlib import Path

import jupytext
import nbformat
import requests
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SOURCE = Path(__file__).with_name("try_the_service.py")


def read_cells() -> nbformat.NotebookNode:
    notebook = jupytext.read(SOURCE)
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # instead of a random one, which would change each time
    return notebook


def make(target: Path) -> None:
    notebook = read_cells()
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc")  # over TCP, other users could listen
    NotebookClient(notebook, manager, timeout=300, resources={"metadata": {"path": str(SOURCE.parent)}}).execute()
    for cell in notebook.cells:
        cell.metadata = {}  # has the times at which it ran
    notebook.metadata.pop("language_info", None)
    nbformat.validate(notebook)
    nbformat.write(notebook, target)


def main(arguments: list[str]) -> None:
    url = os.environ.get("SERVICE_URL", "http://localhost")
    try:
        requests.get(f"{url}/readyz", timeout=10).raise_for_status()
        make(Path(arguments[0]) if arguments else SOURCE.with_suffix(".ipynb"))
    except requests.RequestException:
        sys.exit(f"error: no service at {url}: start it with `make run`, or name another with SERVICE_URL")
    except CellExecutionError as error:
        sys.exit(f"error: a cell failed: {error.ename}: {error.evalue}")


if __name__ == "__main__":
    main(sys.argv[1:])
