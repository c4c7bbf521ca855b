"""TorchServe with its own image classifier, with batching on, and its files in a temporary folder."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import foreground
import inputs

HERE = Path(__file__).parent
MODEL = "resnet50"
# Folders that Java, Python and matplotlib (a dependency of the image handler) write to.
TEMPORARY = ("TEMP", "TMPDIR", "MPLCONFIGDIR")
BATCH = {"batchSize": 8, "maxBatchDelay": 50}
# The number that TorchServe's performance guide starts with for a CPU.
WORKERS = max(1, (os.cpu_count() or 1) // 2)


def free_ports(count: int) -> list[int]:
    """TorchServe needs further ports, and its defaults may be in use."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((inputs.HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def program(name: str) -> str:
    """The path of a program that pip installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def archive(folder: Path) -> None:
    """Writes the .mar. Only this step needs torch, so another process loads it."""
    scripted, names = folder / "resnet50.pt", folder / "index_to_name.json"
    subprocess.run([sys.executable, str(HERE / "torchserve_export.py"), str(scripted)], check=True)
    names.write_text(json.dumps(dict(enumerate(inputs.labels()))), encoding="utf-8")
    options = {
        "--model-name": MODEL,
        "--version": "1.0",
        "--handler": HERE / "torchserve_handler.py",
        "--serialized-file": scripted,
        "--extra-files": f"{names},{HERE / 'torchvision_cpu.py'}",
        "--export-path": folder,
    }
    words = [str(word) for option in options.items() for word in option]
    subprocess.run([program("torch-model-archiver"), *words], check=True)


def configuration() -> str:
    management, metrics, *grpc = free_ports(4)
    model = {"defaultVersion": True, "marName": f"{MODEL}.mar", **BATCH, "minWorkers": WORKERS, "maxWorkers": WORKERS}
    settings = {
        "inference_address": f"http://{inputs.HOST}:{inputs.port()}",
        "management_address": f"http://{inputs.HOST}:{management}",
        "metrics_address": f"http://{inputs.HOST}:{metrics}",
        "grpc_inference_port": grpc[0],
        "grpc_management_port": grpc[1],
        "disable_token_authorization": "true",
        "load_models": f"{MODEL}.mar",
        "models": json.dumps({MODEL: {"1.0": model}}),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def serve(folder: Path) -> int:
    archive(folder)
    config = folder / "config.properties"
    config.write_text(configuration(), encoding="utf-8")
    command = [program("torchserve"), "--start", "--foreground", "--ncs"]
    argv = [*command, "--model-store", str(folder), "--ts-config", str(config)]
    return foreground.run(argv, dict.fromkeys(TEMPORARY, str(folder)), folder)


if __name__ == "__main__":
    if shutil.which("java") is None:
        sys.exit("TorchServe needs Java 17 or newer (Debian: openjdk-17-jre-headless)")
    foreground.exit_on_signals()
    with tempfile.TemporaryDirectory(prefix="torchserve-") as name:
        sys.exit(serve(Path(name)))
