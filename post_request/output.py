"""Lines on the terminal or in a pipe."""

import re
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TextIO

try:
    from tqdm import tqdm
except ModuleNotFoundError:  # the client works without, and shows no progress then
    HAS_PROGRESS = False
else:
    HAS_PROGRESS = True

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def progress(total: int) -> AbstractContextManager[Any]:
    """A bar on a terminal, for several images. It is None where there is no bar to update."""
    if not HAS_PROGRESS or total == 1:
        return nullcontext()
    return tqdm(total=total, unit=" images", disable=None)  # None: shown on a terminal only


def say(line: str, stream: TextIO) -> None:
    line = CONTROL_CHARACTERS.sub("?", line)
    if HAS_PROGRESS:
        tqdm.write(line, file=stream)  # keeps the bar intact
    else:
        print(line, file=stream)
    stream.flush()  # shows each line at once in a pipe, too


def say_on_a_terminal(line: str) -> None:
    """Explains a wait to the person in front of the terminal."""
    if sys.stderr.isatty():
        say(line, sys.stderr)


def shown(path: Path) -> str:
    text = str(path)
    return text if text.startswith((".", "/")) or path.is_absolute() else f"./{text}"
