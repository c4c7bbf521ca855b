"""`make notebook`: runs the cells of try_the_service.py against a service, and writes them with their output.

The notebook is try_the_service.ipynb, or the file that is named as an argument.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
import requests
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

SOURCE = Path(__file__).with_name("try_the_service.py")


def read_cells() -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = jupytext.read(SOURCE)
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # instead of a random one, which would change each time
    return notebook


def make(target: Path) -> None:
    notebook = read_cells()
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(SOURCE.parent)}})
    with TemporaryDirectory() as folder:
        kernel = client.create_kernel_manager()
        # Sockets in a folder of one's own: over TCP, other users of the machine could listen.
        kernel.transport, kernel.connection_file = "ipc", str(Path(folder, "kernel.json"))
        client.execute()
    for cell in notebook.cells:
        cell.metadata = {}  # has the times at which it ran
    notebook.metadata.pop("language_info", None)
    nbformat.validate(notebook)
    nbformat.write(notebook, target)  # type: ignore[no-untyped-call]


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
