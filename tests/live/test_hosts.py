"""Several hosts behind one edge, as in a cluster: they fail and are replaced while clients send, and nothing is lost.

Each host has a network of its own if namespaces can be made, which needs root and `ip`. `pytest -s` prints how long the
edge needs to work around each fault.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.ports import free_port
from my_inference_app.bundles.bundle import Bundle
from tests.bundles.sealing import change_manifest
from tests.live.hosts import Host, Hosts
from tests.live.machines import Network, network
from tests.live.service import until
from tests.live.steady_load import Load, steady_load

CONNECTIONS = 32


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    ports: dict[str, object] = {"PORT": free_port(), "APP_PORT": free_port(), "MANAGEMENT_PORT": free_port()}
    # A host that does not answer is given up after this time and five seconds.
    settings: dict[str, object] = {"REQUEST_TIMEOUT": 3}
    with network(4) as machines, TemporaryDirectory() as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)  # nginx's workers are another user
        yield Hosts(machines, Path(folder), ports, settings, stack)


def test_no_request_is_lost_whatever_happens_to_one_host(hosts: Hosts, tiny: Bundle, tmp_path: Path) -> None:
    bundles = [tiny.path, tiny.path, tiny.path, new_version(tiny, tmp_path)]
    first, second, third, new = [
        hosts.start(machine, bundle) for machine, bundle in zip(hosts.network.machines, bundles, strict=True)
    ]
    hosts.wait_until_ready(first, second, third, new)
    hosts.network.name(first.machine, second.machine, third.machine)
    hosts.start_edge()
    with steady_load(hosts.network.edge, hosts.ports["PORT"], CONNECTIONS) as load:
        wait_until_all_serve(first, second, third)
        freeze(load, second)
        if hosts.network.separate:
            restart(hosts, second, first, third)
            cut_off(hosts.network, load, first, second, third)
        slow(load, first, third)
        kill(load, third)
        replace(hosts.network, load, first, second, new)
    assert len(load.answers) > CONNECTIONS
    assert load.lost == []


def cut_off(network: Network, load: Load, host: Host, *others: Host) -> None:
    """Its readiness check fails, so it soon leaves the name. Connections that it has had are gone by its return."""
    with fault(load, "cut off"):
        network.cut_off(host.machine)
        time.sleep(1)
        network.name(*(other.machine for other in others))
    until(lambda: not load.late)
    network.connect(host.machine)
    network.name(host.machine, *(other.machine for other in others))
    wait_until_all_serve(host, *others)


def freeze(load: Load, host: Host) -> None:
    """Nothing takes it out of the name. In the end it is killed, as a failed liveness check does it.

    It freezes while its requests are computed: a response of which one half has been sent cannot be repeated.
    """
    host.gate.touch()
    until(lambda: load.late)
    with fault(load, "frozen"):
        host.signal(signal.SIGSTOP)
    host.signal(signal.SIGKILL)
    host.process.wait(60)


def restart(hosts: Hosts, host: Host, *others: Host) -> None:
    """It is in the name when it is ready: gunicorn accepts connections earlier, and they would wait for the model."""
    hosts.network.name(*(other.machine for other in others))
    until(lambda: not hosts.edge_knows(host))
    hosts.restart(host)
    hosts.wait_until_ready(host)
    hosts.network.name(host.machine, *(other.machine for other in others))
    wait_until_all_serve(host, *others)


def slow(load: Load, host: Host, other: Host) -> None:
    """It has as many requests in progress as the others, and so it gets fewer in a second."""
    before = host.served, other.served
    with host.slowed(), fault(load, "slowed"):
        until(lambda: other.served > before[1] + 5 * CONNECTIONS)
        print(f"the slow host served {host.served - before[0]} requests, another one {other.served - before[1]}")


def kill(load: Load, host: Host) -> None:
    with fault(load, "killed"):
        host.signal(signal.SIGKILL)


def replace(network: Network, load: Load, old: Host, other: Host, new: Host) -> None:
    """As a rolling update does it: the new host is ready before the old one leaves the name and is stopped."""
    with fault(load, "drained and replaced"):
        network.name(new.machine, other.machine)
        wait_until_all_serve(new)
        old.process.send_signal(signal.SIGTERM)
        assert old.process.wait(60) == 0
    assert load.lost == []
    assert {answer.model for answer in load.answers} == {"tiny", "new"}


@contextmanager
def fault(load: Load, name: str) -> Iterator[None]:
    """Waits until the requests that the fault delayed are answered. One at a time goes on to try whether it is over."""
    begin = time.monotonic()
    yield
    until(lambda: load.oldest > begin + 1 and load.late <= 1)
    answers = load.since(begin)
    assert load.lost == [], f"{name}: {load.lost}"
    late = [answer for answer in answers if answer.late]
    slowest = max(answer.received - answer.sent for answer in answers)
    print(
        f"{name}: {len(answers)} answers in {time.monotonic() - begin:.1f} s, {len(late)} of them late; "
        f"the slowest after {slowest:.1f} s"
    )


def wait_until_all_serve(*running: Host) -> None:
    before = [host.served for host in running]
    until(lambda: all(host.served > count for host, count in zip(running, before, strict=True)))


def new_version(bundle: Bundle, folder: Path) -> Path:
    new = folder / "new"
    shutil.copytree(bundle.path, new)
    change_manifest(new, lambda manifest: manifest.update(name="new"))
    return new
