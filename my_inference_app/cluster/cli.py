"""python -m my_inference_app.cluster COMMAND: the models of the settings as applications of Ray Serve."""

from __future__ import annotations

import argparse
import json
import sys

from ..errors import SetupError
from ..settings import Settings
from .configuration import applications, configuration
from .connection import connect
from .deployment import deploy


def main(arguments: list[str] | None = None) -> None:
    given = parser().parse_args(arguments)
    try:
        settings = Settings.from_env()
        if given.command == "configuration":
            print(json.dumps(configuration(settings), indent=2))
            return
        if not settings.ray_address:
            raise SetupError("RAY_ADDRESS is not set: give the address of the cluster's head, like 10.0.0.5:6379")
        wanted = applications(settings)
        connect(settings.ray_address)
        deploy(wanted, again=not given.if_missing, alone=given.alone)
        print(*(each["name"] for each in wanted), sep="\n")
    except SetupError as error:
        sys.exit(f"error: {error}")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m my_inference_app.cluster", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "configuration", help="print them as JSON, for `serve deploy` and for a RayService of Kubernetes"
    )
    deploying = commands.add_parser("deploy", help="deploy them on the cluster at RAY_ADDRESS, and wait until they run")
    add = deploying.add_argument
    add("--if-missing", action="store_true", help="leave the applications alone that are there already")
    add("--alone", action="store_true", help="then remove the applications of other bundles of the same models")
    return made
