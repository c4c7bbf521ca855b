from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.conftest import FakeClassifier, client_of
from tests.images import plain_image
from tests.remote import Remote, allowing, http, remote_server


@pytest.fixture
def remote() -> Iterator[Remote]:
    with remote_server({"/cat": http(plain_image()), "/dog": http(plain_image("red"))}) as server:
        yield server


@pytest.fixture
def fetching(fake: FakeClassifier, remote: Remote) -> FlaskClient:
    """A client of a service that may fetch images from the remote server."""
    return client_of(fake, **allowing(remote))
