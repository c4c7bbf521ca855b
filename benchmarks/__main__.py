"""make bench: measures this service, its in-process limit and its alternatives, in one run and one table."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from . import output, report
from .machine_facts import facts
from .peers.registry import PEERS, Peer
from .ports import free_port
from .prepare import FOLDER, NETWORK, SMALL, Prepared, prepare
from .report import Results
from .rows import Row, Started, WrongAnswer, http_server, limit, service

OWN = (  # name, title, starter, model, precision
    ("limit-bf16", "in process, no HTTP, bf16", limit, NETWORK, "bf16"),
    ("service-bf16", "THIS SERVICE, bf16", service, NETWORK, "bf16"),
    ("limit-int8", "in process, no HTTP, int8", limit, NETWORK, "int8"),
    ("service-int8", "THIS SERVICE, int8", service, NETWORK, "int8"),
    ("limit-small", "in process, efficientnet-lite0, bf16", limit, SMALL, "bf16"),
    ("service-small", "THIS SERVICE, efficientnet-lite0, bf16", service, SMALL, "bf16"),
)


def main() -> None:
    parser = output.parser("make bench", __doc__, FOLDER)
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="only these rows; default: all")
    parser.add_argument("--connections", nargs="+", type=int, default=[1, 8, 16, 64])
    parser.add_argument("--seconds", type=int, default=5, help="length of each load")
    parser.add_argument("--rounds", type=int, default=3, help="rounds through all rows")
    given = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("error: wrk is missing: apt-get install wrk")
    rows = make_rows(prepare(given.folder), given.rows)
    results = run(rows, given.rounds, given.connections, given.seconds)
    report.write(results, given.out)
    print(report.text(results))
    if results.problems:
        sys.exit(1)


def make_rows(prepared: Prepared, names: list[str] | None) -> list[Row]:
    wanted = [*(name for name, *_ in OWN), *(peer.name for peer in PEERS), "litserve-openvino-int8"]
    for name in names or []:
        if name not in wanted:
            sys.exit(f"error: no row is called {name!r}: there are {', '.join(wanted)}")
    wanted = names or wanted
    rows = [_own(prepared, *own) for own in OWN if own[0] in wanted]
    for peer in PEERS:
        if peer.name in wanted:
            rows.append(_peer(prepared, peer, "bf16"))
        if f"{peer.name}-int8" in wanted:
            rows.append(_peer(prepared, peer, "int8"))
    return rows


def _own(prepared: Prepared, name: str, title: str, start: object, model: str, precision: str) -> Row:
    ready = prepared.ready(model, precision)
    assert callable(start)
    return Row(name, title, partial(start, ready.settings, ready.image, ready.label))


def _peer(prepared: Prepared, peer: Peer, precision: str) -> Row:
    label = prepared.ready(NETWORK, precision).label
    int8 = precision == "int8"
    return Row(
        f"{peer.name}-int8" if int8 else peer.name,
        f"{peer.title}, {precision}" if "OpenVINO" in peer.title else peer.title,
        partial(_start_peer, prepared, peer, precision, label),
    )


def _start_peer(
    prepared: Prepared, peer: Peer, precision: str, label: str, scratch: Path
) -> AbstractContextManager[Started]:
    for program in peer.programs:
        if not shutil.which(program):
            raise WrongAnswer(f"{program} is missing")
    port = free_port()
    variables = {
        **prepared.peer_variables(),
        "PEER_PORT": str(port),
        "PEER_BUNDLE": str(prepared.bundle(NETWORK, precision).path),
        **({} if precision == "int8" else {"PEER_PRECISION": precision}),
    }
    url = f"http://127.0.0.1:{port}{peer.path}"
    command = peer.argv(prepared.peer_python())
    return http_server(command, variables, url, prepared.image, label, scratch, peer.field)


def run(rows: list[Row], rounds: int, connections: list[int], seconds: int) -> Results:
    results = Results(facts(), {row.name: row.title for row in rows})
    for number in range(rounds):
        for row in rows:
            if row.name in results.problems:
                continue
            print(f"round {number + 1} of {rounds}: {row.title}", file=sys.stderr, flush=True)
            try:
                _measure(row, results, connections, seconds)
            except WrongAnswer as problem:
                results.problems[row.name] = str(problem)
                print(f"  left out: {problem}", file=sys.stderr)
    return results


def _measure(row: Row, results: Results, connections: list[int], seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch, row.start(Path(scratch)) as started:
        results.ready.setdefault(row.name, []).append(started.seconds_to_ready)
        started.load(8, min(2, seconds))
        for count in connections:
            results.add(row.name, started.load(count, seconds))


if __name__ == "__main__":
    main()
