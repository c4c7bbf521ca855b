"""deploy/monitoring: every query asks for metrics and labels that the service has; the alerts fire when they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from my_inference_app import metrics
from my_inference_app.bundles.bundle import Bundle
from my_inference_app.server import create_app
from my_inference_app.settings import Settings
from tests.deploy.files import FOLDER, read_yaml
from tests.images import REPOSITORY, plain_image

MONITORING = FOLDER / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_bytes())
RULES = [rule for group in read_yaml("monitoring/alerts.yml")["groups"] for rule in group["rules"]]
OF_PROMETHEUS = {"instance", "job"}
"""Labels that Prometheus adds."""

Labels = dict[str, set[str]]


@pytest.fixture(scope="module")
def served(tiny: Bundle, calibrated: Bundle) -> Labels:
    """The labels of each metric that a service has once it has answered."""
    client = create_app(Settings(bundle=str(tiny.path), request_timeout=30, cache_mb=1)).test_client()
    client.post("/predict", data=plain_image("blue"), headers={"X-Request-Start": "0"})
    client.post("/predict", data=b"no image")
    create_app(Settings(bundle=str(calibrated.path))).test_client().post("/predict", data=plain_image("blue"))
    families = text_string_to_metric_families(metrics.exposition(requests_waiting=0).decode())
    found: Labels = {"up": set()}
    for sample in (sample for family in families for sample in family.samples):
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (rule["expr"] for rule in RULES)


def nodes(query: promql_parser.Expr) -> list[Any]:
    found: list[Any] = []
    promql_parser.walk(query, lambda node: found.append(node))
    return found


@pytest.mark.parametrize("query", list(queries()))
def test_query_names_metrics_and_labels_of_the_service(query: str, served: Labels) -> None:
    parsed = nodes(promql_parser.parse(query.replace("$__rate_interval", "5m")))
    selectors = [node for node in parsed if isinstance(node, promql_parser.VectorSelector)]
    assert selectors
    for selector in selectors:
        assert selector.name in served, selector.prettify()
        named = {matcher.name for matcher in selector.matchers.matchers}
        assert named <= served[selector.name] | OF_PROMETHEUS, selector.prettify()
    for aggregate in (node for node in parsed if isinstance(node, promql_parser.AggregateExpr)):
        labels = set(aggregate.modifier.labels) if aggregate.modifier else set()
        for selector in (node for node in nodes(aggregate.expr) if isinstance(node, promql_parser.VectorSelector)):
            assert labels <= served[selector.name or ""] | OF_PROMETHEUS, aggregate.prettify()


def test_legends_and_variables_name_labels_of_the_service(served: Labels) -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            by = set(re.findall(r"\w+", " ".join(re.findall(r"by \((.*?)\)", target["expr"]))))
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= by
    for query in (item["query"] for item in DASHBOARD["templating"]["list"] if item["type"] == "query"):
        (name, label) = re.fullmatch(r"label_values\((\w+), (\w+)\)", query).groups()  # type: ignore[union-attr]
        assert label in served[name] | OF_PROMETHEUS


def test_panels_do_not_overlap_and_have_titles_of_their_own() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    titles = [panel["title"] for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(set(titles)) == len(places)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "config", MONITORING / "prometheus.yml"],
        ["test", "rules", Path(__file__).with_name("alerts_test.yml")],
    ],
    ids=["configuration", "alerts"],
)
def test_promtool_agrees(arguments: list[str | Path]) -> None:
    promtool = shutil.which("promtool")
    assert promtool, "it is in Debian's package prometheus"
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    tests = read_yaml("../tests/deploy/alerts_test.yml")["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for wanted in (True, False):
        assert {case["alertname"] for case in cases if ("exp_alerts" in case) is wanted} == {
            rule["alert"] for rule in RULES
        }


def test_document_lists_every_metric_with_its_labels(served: Labels) -> None:
    text = (REPOSITORY / "docs" / "operating.md").read_text("utf-8")
    rows = re.findall(r"^\| `(inference_\w+)(?:\{([\w,]+)\})?` \|", text, re.MULTILINE)
    documented = {name: set(labels.split(",")) if labels else set() for name, labels in rows}
    there: Labels = {}
    for name, labels in served.items():
        plain = re.sub("_(bucket|sum|count|created)$", "", name)
        if plain.startswith("inference_") and not name.endswith("_created"):
            there.setdefault(plain, set()).update(labels - {"le"})
    assert documented == there
