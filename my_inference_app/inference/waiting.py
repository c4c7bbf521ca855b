"""What a request that waits looks at: its deadline, and whether its client is still there."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import ClientGone, DeadlineExceeded

# A look at a connection is a system call, and lets another thread run.
_LOOK_EVERY = 0.5


def _never() -> bool:
    return False


class Patience:
    """How long a request may wait. `deadline` is on the clock of time.monotonic()."""

    def __init__(self, deadline: float, abandoned: Callable[[], bool] = _never) -> None:
        self.deadline = deadline
        self._abandoned = abandoned

    def until_next_look(self) -> float:
        """Seconds."""
        return max(0.0, min(_LOOK_EVERY, self.deadline - time.monotonic()))

    def look(self) -> ClientGone | DeadlineExceeded | None:
        """Why the request need not be computed any more, or None."""
        if time.monotonic() >= self.deadline:
            return DeadlineExceeded("the request waited too long for its turn: try again later")
        if self._abandoned():
            return ClientGone("the client disconnected while its request waited")
        return None
