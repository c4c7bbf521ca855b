"""The cores of a pod, shared equally by all threads that run."""

from __future__ import annotations

from collections.abc import Callable

from simpy import Environment, Event

_NOTHING = 1e-9
"""Core-seconds. The clock of a long simulation cannot tell shorter times apart."""


class _Task:
    def __init__(self, work: float, threads: int, done: Callable[[], None]) -> None:
        self.left = work
        self.threads = threads
        self.done = done


class Cores:
    """Each thread gets a core, or an equal share of all cores if there are more threads."""

    def __init__(self, env: Environment, count: int) -> None:
        self._env = env
        self._count = count
        self._tasks: list[_Task] = []
        self._since = 0.0
        self._share = 0.0
        self._plan = 0
        self.busy = 0.0
        """Core-seconds that were computed."""

    def run(self, work: float, threads: int, done: Callable[[], None]) -> None:
        """`work` is in core-seconds. A task with several threads divides it among them."""
        self._go_on()
        self._tasks.append(_Task(work, threads, done))
        self._schedule()

    def stop(self) -> None:
        """Nothing that runs will ever be done."""
        self._go_on()
        self._tasks.clear()
        self._schedule()

    def up_to_now(self) -> float:
        self._go_on()
        return self.busy

    def _go_on(self) -> None:
        """Computes until now."""
        passed, self._since = self._env.now - self._since, self._env.now
        for task in self._tasks:
            did = passed * self._share * task.threads
            task.left -= did
            self.busy += did

    def _schedule(self) -> None:
        """Plans the end of the task that is done first."""
        self._plan += 1
        if not self._tasks:
            return
        self._share = min(1.0, self._count / sum(task.threads for task in self._tasks))
        first = min(task.left / task.threads for task in self._tasks) / self._share
        alarm = self._env.timeout(max(0.0, first), self._plan)
        assert alarm.callbacks is not None
        alarm.callbacks.append(self._end)

    def _end(self, alarm: Event) -> None:
        if alarm.value != self._plan:  # the plan has changed meanwhile
            return
        self._go_on()
        ended = [task for task in self._tasks if task.left <= _NOTHING]
        self._tasks = [task for task in self._tasks if task.left > _NOTHING]
        self._schedule()
        for task in ended:
            task.done()
