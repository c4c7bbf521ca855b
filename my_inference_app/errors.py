"""Every failure a user can cause, each with its HTTP status and a code that never changes."""

from __future__ import annotations


class ServiceError(Exception):
    """Base of all errors that are told to the user; the message says what to do."""

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


class Unauthorized(ServiceError):
    status = 401
    code = "unauthorized"


class PayloadTooLarge(ServiceError):
    status = 413
    code = "payload_too_large"


class AddressTooLong(ServiceError):
    status = 414
    code = "uri_too_long"


class UnsupportedFormat(ServiceError):
    status = 415
    code = "unsupported_format"


class ExpectationFailed(ServiceError):
    status = 417
    code = "expectation_failed"


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
    """Nobody reads this answer; it stands in the log, with nginx's own number for such a request."""

    status = 499
    code = "client_gone"


class RateLimited(ServiceError):
    """nginx answers with it, nothing here does."""

    status = 429
    code = "rate_limited"
    retry_after = 1


class HeadersTooLarge(ServiceError):
    status = 431
    code = "headers_too_large"


class NotSupported(ServiceError):
    status = 501
    code = "not_implemented"


class NotReady(ServiceError):
    status = 503
    code = "not_ready"
    retry_after = 2


class Overloaded(ServiceError):
    status = 503
    code = "overloaded"
    retry_after = 1


class DeadlineExceeded(ServiceError):
    status = 504
    code = "timeout"


class VersionNotSupported(ServiceError):
    status = 505
    code = "version_not_supported"


class SetupError(Exception):
    """What stops a command or a server from starting; told in one line, without a traceback."""


class SettingError(SetupError):
    """A setting with a value that cannot be used."""


class BundleError(SetupError):
    """A bundle that is missing, damaged or of another format."""


class SourceError(SetupError):
    """Weights that cannot be had or are not an image classifier."""


class SourceUnreachable(SourceError):
    """The hub cannot be reached and nothing is cached: the one case with a fallback."""
