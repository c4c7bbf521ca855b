"""The benchmark of the batch command measures a few images for a moment. Speeds are not checked."""

from __future__ import annotations

import re

from benchmarks.batch import ROWS, SHARES, Round
from my_inference_app.bundles.bundle import Bundle
from tests.benchmarks.running import printed


def test_short_run_measures_the_command_and_its_parts(colours: Bundle) -> None:
    options = ["--images", "300", "--rounds", "1", "--seconds", "0.1"]
    text = printed("benchmarks.batch", str(colours.path), *options)
    values = dict(re.findall(r"^(.+?) +(\d+\.\d+)(?: |$)", text, re.MULTILINE))
    assert {name: float(values[name]) > 0 for name in (*ROWS, *SHARES)} == dict.fromkeys((*ROWS, *SHARES), True)


def test_bound_is_the_time_of_both_parts() -> None:
    """A hundred images take 1 s in the faster engine, and 0.5 s in the decoder."""
    found = Round(one_engine=80, engines=100, decoding=200, service_limit=50, command=60)
    assert round(100 / found.bound, 6) == 1.5
    assert (found.engine, found.share("service_limit")) == (100, 1.2)
