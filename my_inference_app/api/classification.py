"""Classifies the images of a request, for every protocol and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g, request

from ..errors import ServiceError, UrlsDisabled
from ..inference.classifier import Answer
from . import context
from .connection import abandoned
from .input.upload import Upload


def classify(images: Sequence[Upload], top_k: int) -> Answer:
    """The predictions, or the error, of each image."""
    deadline = context.deadline()
    # Fetching does not count as in flight: it has a timeout, and a slow remote server must not make a worker look hung.
    contents = _contents(images, deadline)
    with context.in_flight().request():
        found = [content for content in contents if isinstance(content, bytes)]
        answer = context.classifier().classify(found, top_k, deadline, abandoned(request))
    outcomes = iter(answer.outcomes)
    merged = [next(outcomes) if isinstance(content, bytes) else content for content in contents]
    return Answer(merged, answer.timings)


def _contents(images: Sequence[Upload], deadline: float) -> list[bytes | ServiceError]:
    """The bytes of each image, fetched where the request has a URL, or the reason why they could not be fetched."""
    urls = [image.url for image in images if image.url]
    if not urls:
        return [image.data for image in images]
    if not context.settings().predict_urls:
        raise UrlsDisabled("this service does not fetch images: send the image itself (PREDICT_URLS=1 allows URLs)")
    fetched = iter(context.fetcher().fetch(urls, deadline, g.request_id))
    return [next(fetched) if image.url else image.data for image in images]
