"""Checks the certificate and the key of TLS_CERT and TLS_KEY before nginx gets them."""

from __future__ import annotations

import ssl
from pathlib import Path

from .errors import SettingError, SetupError


def check(certificate: Path, key: Path) -> None:
    """Raises an error of one line unless the two belong together and a client would accept them today."""
    for name, file in (("TLS_CERT", certificate), ("TLS_KEY", key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise SettingError(f"{name}={str(file)!r} cannot be read: {error.strerror}") from None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(certificate, key, password=_no_password)
        _shake_hands(server, _client_that_trusts(certificate))
    except ssl.SSLCertVerificationError as error:
        raise SettingError(f"TLS_CERT={str(certificate)!r} cannot be used: {error.verify_message}") from None
    except ssl.SSLError as error:
        reason = (error.reason or "no certificate and key in PEM").replace("_", " ").lower()
        raise SettingError(f"TLS_CERT={str(certificate)!r} and TLS_KEY={str(key)!r} do not work: {reason}") from None


def _no_password() -> str:
    """Called for a key with a password. Without it, OpenSSL would ask the terminal."""
    raise SetupError("TLS_KEY needs a password: remove it with `openssl pkey -in OLD -out NEW`")


def _client_that_trusts(certificate: Path) -> ssl.SSLContext:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trusts the certificate itself, whoever signed it
    client.load_verify_locations(certificate)
    return client


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """In memory: the client checks the dates and the purpose of the certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for side in sides * 2:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
