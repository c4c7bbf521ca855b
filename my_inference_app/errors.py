"""Every failure of a request, with its HTTP status and a code that never changes; and failures that stop a start."""

from __future__ import annotations

from typing import TypeVar

_LONGEST_LINE = 200

T = TypeVar("T")


class ServiceError(Exception):
    """Base of all errors that a client gets. The message says what to do."""

    status = 500
    code = "internal_error"
    retry_after: int | None = None


class NoImage(ServiceError):
    status = 400
    code = "no_image"


class BadRequest(ServiceError):
    status = 400
    code = "bad_request"


class UrlsDisabled(ServiceError):
    status = 400
    code = "urls_disabled"


class ModelNotFound(ServiceError):
    status = 404
    code = "model_not_found"


class Unauthorized(ServiceError):
    status = 401
    code = "unauthorized"


class Forbidden(ServiceError):
    status = 403
    code = "forbidden"


class Conflict(ServiceError):
    """The request contradicts what is there already."""

    status = 409
    code = "conflict"


class PayloadTooLarge(ServiceError):
    status = 413
    code = "payload_too_large"


class UnsupportedFormat(ServiceError):
    status = 415
    code = "unsupported_format"


class ImageUndecodable(ServiceError):
    status = 422
    code = "image_undecodable"


class ImageTooLarge(ServiceError):
    status = 422
    code = "image_too_large"


class FetchFailed(ServiceError):
    status = 422
    code = "fetch_failed"


class ClientGone(ServiceError):
    """Appears in the log only: the client has disconnected. nginx logs such a request with the same status."""

    status = 499
    code = "client_gone"


class ExplanationUnavailable(ServiceError):
    status = 501
    code = "explanation_unavailable"


class NotCalibrated(ServiceError):
    status = 501
    code = "not_calibrated"


class ModelFailed(ServiceError):
    """The model raised an exception, which is this one's cause, or returned something unusable."""

    status = 500
    code = "model_failed"


class NotReady(ServiceError):
    status = 503
    code = "not_ready"
    retry_after = 2


class Overloaded(ServiceError):
    status = 503
    code = "overloaded"
    retry_after = 1


class TeachingBusy(ServiceError):
    status = 503
    code = "teaching_busy"
    retry_after = 5


class StorageFull(ServiceError):
    status = 507
    code = "storage_full"


class DeadlineExceeded(ServiceError):
    status = 504
    code = "timeout"


class SetupError(Exception):
    """Stops a command or the start of a server. It is shown as one line, without a traceback."""


class SettingError(SetupError):
    """A setting has a value that cannot be used."""


class BundleError(SetupError):
    """A bundle is missing, damaged or of another format."""


class SourceError(SetupError):
    """Weights cannot be loaded, or are not an image classifier."""


class SourceUnreachable(SourceError):
    """The hub is out of reach and nothing is cached. `make run` without a MODEL then falls back to another model."""


def first_line(error: BaseException) -> str:
    """The reason of a library's error in one line: they explain at length, and the beginning says what is wrong."""
    line = (str(error).strip() or repr(error)).splitlines()[0]
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."


def raised(outcome: T | ServiceError) -> T:
    """What was found, if it is not an error."""
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome
