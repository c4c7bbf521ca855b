"""Connects this process to a Ray cluster, of which its machine is a node."""

from __future__ import annotations

import signal

import ray

from ..engines.relay import absent
from ..errors import SetupError, first_line


def connect(address: str) -> None:
    if reason := absent(address):  # Ray itself would try for a minute
        raise SetupError(reason)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(address, log_to_driver=False, configure_logging=False)
    except Exception as error:  # Ray raises what it likes
        raise SetupError(
            f"Ray at {address} does not take this machine as a client: {first_line(error)}; start Ray on it with "
            f"`ray start --address={address} --num-cpus=0`"
        ) from None
    for number, handler in handlers.items():  # Ray has put its own in their place
        signal.signal(number, handler)
