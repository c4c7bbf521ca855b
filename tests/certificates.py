"""Certificates that tests make for themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

NAME = "service.test"


def make(folder: Path, *, name: str = NAME, days: int = 2) -> tuple[Path, Path]:
    """A self-signed certificate for this name and 127.0.0.1, and its key; replaces the files of an earlier call."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    new_certificate, new_key = folder / "cert.new", folder / "key.new"
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
            *["-days", str(days), "-keyout", str(new_key), "-out", str(new_certificate), "-subj", f"/CN={name}"],
            *["-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"],
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    new_certificate.replace(certificate)
    new_key.replace(key)
    return certificate, key


def make_expired(folder: Path) -> tuple[Path, Path]:
    """As make() does, and valid until yesterday only."""
    certificate, key = make(folder)
    request, settings, database = folder / "request", folder / "ca.conf", folder / "database"
    database.write_text("")
    settings.write_text(
        f"[ca]\ndefault_ca = this\n[this]\ndatabase = {database}\nserial = {folder}/serial\nnew_certs_dir = {folder}\n"
        "default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n"
    )
    commands = [
        ["openssl", "req", "-new", "-key", str(key), "-subj", f"/CN={NAME}", "-out", str(request)],
        [
            *["openssl", "ca", "-selfsign", "-batch", "-create_serial", "-notext", "-config", str(settings)],
            *["-keyfile", str(key), "-in", str(request), "-out", str(certificate)],
            *["-startdate", "200101000000Z", "-enddate", "200201000000Z"],
        ],
    ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    return certificate, key
