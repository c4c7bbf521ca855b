"""The service on a bare machine, as systemd and nginx read it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from my_inference_app.settings import Settings
from tests import certificates
from tests.deploy.files import FOLDER, Unit

SYSTEMD = FOLDER / "systemd"
UNIT = "my_inference_app.service"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit for a machine that has no checkout in /srv."""
    (drop_ins := tmp_path / f"{UNIT}.d").mkdir()
    shutil.copy(SYSTEMD / "tls.conf", drop_ins)
    text = (SYSTEMD / UNIT).read_text("utf-8")
    text = text.replace("/srv/my_inference_app/.venv/bin/python", "/bin/true")
    path = tmp_path / UNIT
    path.write_text(text.replace("WorkingDirectory=/srv/my_inference_app", "WorkingDirectory=/"))
    return path


@needs_systemd
def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0), "it only warns of unknown keys"


@needs_systemd
def test_systemd_finds_an_unknown_key(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("PrivateTmp=", "PrivatTmp="))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert "PrivatTmp" in done.stderr


@needs_systemd
def test_exposure_is_low(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", str(unit)]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    found = re.search(rf"Overall exposure level for {UNIT}: ([\d.]+)", said)
    assert found and float(found[1]) <= 2.0, said


def test_signals_fit_the_program() -> None:
    service = Unit(UNIT)["Service"]
    assert service["ExecStart"].endswith("/python -m my_inference_app.run")
    assert service["ExecReload"].endswith("kill -HUP $MAINPID")
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > Settings().grace_timeout + 5


def test_log_has_a_limit() -> None:
    namespace = Unit(UNIT)["Service"]["LogNamespace"]
    assert Unit(f"journald@{namespace}.conf")["Journal"]["SystemMaxUse"] == "500M"


def test_nginx_accepts_the_site(tmp_path: Path) -> None:
    certificate, key = certificates.make(tmp_path)
    site = (SYSTEMD / "nginx-site.conf").read_text("utf-8")
    for old, new in [
        ("/etc/letsencrypt/live/images.example.com/fullchain.pem", certificate),
        ("/etc/letsencrypt/live/images.example.com/privkey.pem", key),
        ("listen 443", f"listen {free_port()}"),
        ("listen 80;", f"listen {free_port()};"),
    ]:
        assert old in site
        site = site.replace(old, str(new))
    config = tmp_path / "nginx.conf"
    config.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{site}}}\n")
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/bin")
    assert nginx
    command = [nginx, "-t", "-q", "-e", "stderr", "-p", str(tmp_path), "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)
