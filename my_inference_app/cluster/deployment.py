"""Deploys applications on Ray Serve, and waits until they run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ray import serve
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview

from ..errors import SetupError, first_line
from .application import Model, Replica
from .configuration import Application

_SECONDS = 300.0
"""For a cluster that has to start machines first."""
_FAILED = (ApplicationStatus.DEPLOY_FAILED, ApplicationStatus.UNHEALTHY)


def deploy(wanted: Sequence[Application], *, again: bool, alone: bool) -> None:
    """Deploys what is missing, or all of it again. `alone` removes the applications of other bundles afterwards."""
    serve.start(proxy_location="Disabled")
    there = serve.status().applications
    targets = [_target(each) for each in wanted if again or each["name"] not in there]
    if targets:
        serve.run_many(targets, wait_for_applications_running=False)
    names = [each["name"] for each in wanted]
    for name in names:
        _wait_for(name)
    if alone:
        models = {_model_of(name) for name in names}
        for name in there:
            if name not in names and _model_of(name) in models:
                serve.delete(name)


def _target(application: Application) -> serve.RunTarget:
    (options,) = application["deployments"]
    deployment: Any = Replica
    replica = deployment.options(**options).bind(Model(**application["args"]))
    return serve.RunTarget(replica, name=application["name"], route_prefix=None)


def _model_of(application: str) -> str:
    return application.rpartition("-")[0]


def _wait_for(name: str) -> None:
    end = time.monotonic() + _SECONDS
    while (found := serve.status().applications[name]).status != ApplicationStatus.RUNNING:
        if found.status in _FAILED:
            raise SetupError(f"Ray cannot run the application {name}: {_reason(found)}")
        if time.monotonic() > end:
            raise SetupError(
                f"the application {name} does not run after {_SECONDS:g} s ({_reason(found)}): "
                "the cluster may have too few free CPUs or GPUs for RAY_REPLICAS, RAY_CPUS and RAY_GPUS"
            )
        time.sleep(0.2)


def _reason(found: ApplicationStatusOverview) -> str:
    """The last line of a traceback says what went wrong."""
    messages = [*(each.message for each in found.deployments.values()), found.message]
    lines = [line for message in messages for line in message.strip().splitlines() if line.strip()]
    named = [line for line in lines if "Error: " in line]
    return first_line(ValueError((named or lines or [str(found.status)])[-1].strip()))
