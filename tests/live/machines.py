"""Machines for tests: each a network namespace on a switch of their own, or else an address of the loopback network."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_CLONE_NEWNET = 0x40000000  # of Linux's sched.h; setns is documented in the manual page setns(2)
_NETNS = Path("/etc/netns")
NAME = "app"


@dataclass(frozen=True)
class Machine:
    address: str
    namespace: str = ""

    def command(self, *words: str) -> list[str]:
        """Runs a program there. `ip` becomes that program, so that its process id is the program's."""
        return ["ip", "netns", "exec", self.namespace, *words] if self.namespace else [*words]

    def enter(self) -> None:
        """Sockets that this thread makes from now on are in the machine's network."""
        if not self.namespace:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/run/netns/{self.namespace}") as namespace:
            if libc.setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {self.namespace}")


class Network(Protocol):
    separate: bool
    """Whether machines can be cut off, and found by name."""
    edge: Machine
    machines: list[Machine]

    @property
    def hosts(self) -> str:
        """The machines, as UPSTREAM names them."""

    def name(self, *machines: Machine) -> None:
        """What the name stands for from now on."""

    def cut_off(self, machine: Machine) -> None: ...
    def connect(self, machine: Machine) -> None: ...


class Namespaces:
    """The edge's namespace has the switch. No interface leads out of it."""

    separate = True
    hosts = NAME

    def __init__(self, count: int) -> None:
        self._prefix = f"hosts{os.getpid()}"
        self.edge, *self.machines = (Machine(f"198.18.78.{n + 1}", f"{self._prefix}-{n}") for n in range(count + 1))
        self._names = _NETNS / self.edge.namespace / "hosts"

    def build(self) -> None:
        for machine in (self.edge, *self.machines):
            _ip("netns", "add", machine.namespace)
            _ip("-n", machine.namespace, "link", "set", "lo", "up")
        self._in_edge("link", "add", "switch", "type", "bridge")
        self._in_edge("address", "add", f"{self.edge.address}/24", "dev", "switch")
        self._in_edge("link", "set", "switch", "up")
        for machine in self.machines:
            cable = ("type", "veth", "peer", "name", "eth0", "netns", machine.namespace)
            self._in_edge("link", "add", machine.address, *cable)
            self._in_edge("link", "set", machine.address, "master", "switch", "up")
            _ip("-n", machine.namespace, "address", "add", f"{machine.address}/24", "dev", "eth0")
            _ip("-n", machine.namespace, "link", "set", "eth0", "up")
        self._names.parent.mkdir(parents=True)

    def remove(self) -> None:
        for machine in (self.edge, *self.machines):
            with suppress(OSError, subprocess.CalledProcessError):
                _ip("netns", "delete", machine.namespace)
        shutil.rmtree(self._names.parent, ignore_errors=True)
        with suppress(OSError):  # others use it
            _NETNS.rmdir()

    def name(self, *machines: Machine) -> None:
        """Written into the file itself: `ip netns exec` mounts it as /etc/hosts."""
        with self._names.open("a") as file:
            file.truncate(0)
            file.write("".join(f"{machine.address} {NAME}\n" for machine in machines))

    def cut_off(self, machine: Machine) -> None:
        self._in_edge("link", "set", machine.address, "down")

    def connect(self, machine: Machine) -> None:
        self._in_edge("link", "set", machine.address, "up")

    def _in_edge(self, *arguments: str) -> None:
        _ip("-n", self.edge.namespace, *arguments)


class Loopback:
    separate = False

    def __init__(self, count: int) -> None:
        self.edge, *self.machines = (Machine(f"127.0.78.{n + 1}") for n in range(count + 1))

    @property
    def hosts(self) -> str:
        return ",".join(machine.address for machine in self.machines)

    def name(self, *machines: Machine) -> None:
        """The edge has all addresses from the start."""

    def cut_off(self, machine: Machine) -> None:
        raise NotImplementedError(f"nothing separates {machine.address} from the others")

    connect = cut_off


@contextmanager
def network(count: int) -> Iterator[Network]:
    namespaces = Namespaces(count)
    try:
        namespaces.build()
    except (OSError, subprocess.CalledProcessError) as error:
        namespaces.remove()
        reason = error.stderr if isinstance(error, subprocess.CalledProcessError) else error
        print(f"no network namespaces here ({str(reason).strip()}): loopback addresses, and none is cut off")
        yield Loopback(count)
        return
    try:
        yield namespaces
    finally:
        namespaces.remove()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
