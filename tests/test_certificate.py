"""A certificate and a key that cannot serve are refused in one line that names the setting."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from my_inference_app import certificate
from my_inference_app.errors import SetupError
from tests import certificates


def refusal(cert: Path, key: Path) -> str:
    with pytest.raises(SetupError) as caught:
        certificate.check(cert, key)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pair_is_accepted(tmp_path: Path) -> None:
    certificate.check(*certificates.make(tmp_path))


def test_chain_is_accepted(tmp_path: Path) -> None:
    """A usual file has the certificates of the signers behind its own."""
    (other := tmp_path / "other").mkdir()
    signer, _ = certificates.make_expired(other)
    cert, key = certificates.make(tmp_path)
    cert.write_text(cert.read_text() + signer.read_text())
    certificate.check(cert, key)


def test_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    cert, _ = certificates.make(tmp_path)
    _, key = certificates.make(other)
    assert refusal(cert, key) == f"TLS_CERT='{cert}' and TLS_KEY='{key}' do not work: key values mismatch"


def test_expired_certificate_is_refused(tmp_path: Path) -> None:
    cert, key = certificates.make_expired(tmp_path)
    assert refusal(cert, key) == f"TLS_CERT='{cert}' cannot be used: certificate has expired"


@pytest.mark.parametrize("name", ["TLS_CERT", "TLS_KEY"])
def test_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    files = dict(zip(("TLS_CERT", "TLS_KEY"), certificates.make(tmp_path), strict=True))
    files[name].unlink()
    assert refusal(*files.values()) == f"{name}='{files[name]}' cannot be read: No such file or directory"


@pytest.mark.parametrize("content", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_file_that_is_not_pem_is_refused(tmp_path: Path, name: str, content: str) -> None:
    cert, key = certificates.make(tmp_path)
    (tmp_path / name).write_text(content)
    assert refusal(cert, key).startswith(f"TLS_CERT='{cert}' and TLS_KEY='{key}' do not work: ")


def test_key_with_a_password_is_refused_without_asking(tmp_path: Path) -> None:
    cert, key = certificates.make(tmp_path)
    locked = tmp_path / "locked.pem"
    command = ["openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:secret", "-out", str(locked)]
    subprocess.run(command, check=True, timeout=60)
    assert refusal(cert, locked) == ("TLS_KEY needs a password: remove it with `openssl pkey -in OLD -out NEW`")
