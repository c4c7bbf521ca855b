"""Classifies the images of a request, for every protocol and for the page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import copy

from flask import g, request

from .. import metrics
from ..errors import ServiceError, UrlsDisabled, raised
from ..inference.answers import Answer, Detail, Result
from ..inference.classifier import Classifier
from ..inference.jobs import Image
from . import context
from .connection import abandoned
from .guard.keys import given_key
from .input.upload import Upload
from .observation import observation


def chosen(name: str = "", version: str = "") -> Classifier:
    """The model and version that the address of the request names, or else `?model=` and `?version=`."""
    name, version = name or request.args.get("model", ""), version or request.args.get("version", "")
    classifier = context.registry().find(name, version)
    observation().chose(classifier)
    return classifier


def classify(classifier: Classifier, images: Sequence[Upload | Image], detail: Detail = Detail.LOGITS) -> Answer:
    """The result, or the error, of each image. An array is an image that is already prepared."""
    seen = observation()
    seen.chose(classifier)
    seen.images = len(images)
    deadline = context.deadline()
    # Fetching does not count as in flight: it has a timeout, and a slow remote server must not make a worker look hung.
    found_contents = contents(images, deadline)
    with context.in_flight().request():
        found = [content for content in found_contents if not isinstance(content, ServiceError)]
        seen.classified = time.perf_counter()
        answer = seen.answer = _computed(classifier, found, deadline, detail)
    outcomes = iter(answer.outcomes)
    merged = [content if isinstance(content, ServiceError) else next(outcomes) for content in found_contents]
    for content, outcome in zip(found_contents, merged, strict=True):
        if isinstance(content, bytes) and isinstance(outcome, Result):
            _note(classifier, content, outcome)
    return Answer(merged, answer.timings, answer.batch)


def _note(classifier: Classifier, image: bytes, result: Result) -> None:
    """Counts an answer of a calibrated model, and keeps the image of a doubtful one where that is wanted."""
    if (doubts := result.doubts()) is None:
        return
    metrics.answers.labels(classifier.name, classifier.version, doubts.kind).inc()
    if doubts.kind != "none" and (review := context.review()):
        review.keep(image, doubts.kind)


def classify_one(classifier: Classifier, image: Upload) -> Result:
    """The result of one image; raises its error."""
    return raised(classify(classifier, [image]).outcomes[0])


def _computed(classifier: Classifier, images: Sequence[bytes | Image], deadline: float, detail: Detail) -> Answer:
    """From the cache, if there is one and has them. Two API keys never share a result.

    The cache has logits only: what explains them is computed each time.
    """
    cache = context.cache()
    if cache is None or detail is not Detail.LOGITS:
        return classifier.classify(images, deadline, abandoned(request), detail)
    client = given_key(request) if context.settings().keys else b""
    return cache.classify(classifier, images, deadline, abandoned(request), client)


def contents(images: Sequence[Upload | Image], deadline: float) -> list[bytes | Image | ServiceError]:
    """The bytes of each image, fetched where the request has a URL, or the reason why they could not be fetched."""
    urls = [image.url for image in images if isinstance(image, Upload) and image.url]
    if not urls:
        return [_content(image) for image in images]
    if not context.settings().predict_urls:
        raise UrlsDisabled("this service does not fetch images: send the image itself (PREDICT_URLS=1 allows URLs)")
    fetched = iter(context.fetcher().fetch(urls, deadline, g.request_id))
    return [next(fetched) if isinstance(image, Upload) and image.url else _content(image) for image in images]


def _content(image: Upload | Image) -> bytes | Image:
    return image.data if isinstance(image, Upload) else image


def results(answer: Answer) -> list[Result]:
    """All results, for a protocol in which a request succeeds or fails as a whole."""
    found: list[Result] = []
    for number, outcome in enumerate(answer.outcomes, start=1):
        if isinstance(outcome, ServiceError):
            raise _numbered(outcome, number) if len(answer.outcomes) > 1 else outcome
        found.append(outcome)
    return found


def _numbered(error: ServiceError, number: int) -> ServiceError:
    numbered = copy(error)
    numbered.args = (f"image number {number}: {error}",)
    return numbered
