"""Triton's statistics of a model, from the metrics: what all workers have counted since the service was started."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ... import metrics
from ...inference.classifier import Classifier
from .types import Duration, ModelStatistics, Statistics

# Nothing is measured there: outputs are not copied from a device, and there is no count by batch size.
_NOTHING: Duration = {"count": 0, "ns": 0}


def statistics(classifiers: Iterable[Classifier]) -> Statistics:
    samples = metrics.samples()
    return {"model_stats": [_of(classifier, samples) for classifier in classifiers]}


def _of(classifier: Classifier, samples: Sequence[metrics.Sample]) -> ModelStatistics:
    labels = {"model": classifier.name, "version": classifier.version}
    counted = [sample for sample in samples if labels.items() <= sample.labels.items()]
    succeeded = sum(_values(counted, "inference_requests_total", status="200"))
    requests = sum(_values(counted, "inference_requests_total"))
    decode, queue, infer = (_duration(counted, stage) for stage in metrics.STAGES)
    return {
        "name": classifier.name,
        "version": classifier.version,
        "last_inference": int(1000 * max(_values(counted, "inference_last_computed_seconds"), default=0)),
        "inference_count": int(sum(_values(counted, "inference_batch_images_sum"))),
        "execution_count": int(sum(_values(counted, "inference_batch_images_count"))),
        "inference_stats": {
            "success": {"count": int(succeeded), "ns": decode["ns"] + queue["ns"] + infer["ns"]},
            "fail": {"count": int(requests - succeeded), "ns": 0},
            "queue": queue,
            "compute_input": decode,
            "compute_infer": infer,
            "compute_output": _NOTHING,
            "cache_hit": _NOTHING,
            "cache_miss": _NOTHING,
        },
        "batch_stats": [],
    }


def _duration(samples: Sequence[metrics.Sample], stage: str) -> Duration:
    count, seconds = (
        sum(_values(samples, f"inference_stage_seconds_{part}", stage=stage)) for part in ("count", "sum")
    )
    return {"count": int(count), "ns": int(seconds * 1e9)}


def _values(samples: Sequence[metrics.Sample], name: str, **labels: str) -> list[float]:
    return [sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items()]
