"""Values that are fine one by one and contradict each other."""

from __future__ import annotations

from itertools import combinations

from ..errors import SettingError
from .hosts import overlap
from .label_studio import LabelStudio
from .limits import Limits
from .model import Model
from .network import Network
from .ray import Ray
from .teaching import Teaching
from .tls import Tls


def check_timeouts(limits: Limits) -> None:
    hang, request = limits.hang_timeout, limits.request_timeout
    if hang <= request:
        raise SettingError(
            f"HANG_TIMEOUT={hang:g} is not above REQUEST_TIMEOUT={request:g}, "
            f"so healthy workers would be replaced: set HANG_TIMEOUT={2 * request:g}"
        )


def check_models(model: Model) -> None:
    if model.server_models and model.server_models_file:
        raise SettingError("SERVER_MODELS and SERVER_MODELS_FILE are both set: unset one of them")
    for name in ("bundle", "model_revision"):
        if model.entries and getattr(model, name):
            raise SettingError(f"{name.upper()} is for one model, and SERVER_MODELS names several: unset one of them")


def check_engine(model: Model, ray: Ray) -> None:
    """The engines refuse these too, but only after an export that takes minutes."""
    if model.engine == "ray":
        _check_replicas(model, ray)
    if model.engine == "openvino" and set(model.device) != {"cpu"}:
        raise SettingError(
            f"DEVICE={','.join(model.device)} is for ENGINE=torch: ENGINE=openvino computes on the CPU only"
        )
    if model.engine == "openvino" and model.precision == "f16":
        raise SettingError("PRECISION=f16 is for ENGINE=torch: ENGINE=openvino computes in f32, bf16 or int8")
    if model.engine == "torch" and model.precision == "int8":
        raise SettingError("PRECISION=int8 is for ENGINE=openvino: ENGINE=torch computes in f32, bf16 or f16")


def _check_replicas(model: Model, ray: Ray) -> None:
    if set(model.device) != {"cpu"}:
        raise SettingError(f"DEVICE={','.join(model.device)} is not for ENGINE=ray: set RAY_GPUS=1 and unset DEVICE")
    if model.precision == "f16" and not ray.ray_gpus:
        raise SettingError("PRECISION=f16 needs GPUs: set RAY_GPUS=1, or another precision")
    if model.precision == "int8" and ray.ray_gpus:
        raise SettingError("PRECISION=int8 is for replicas without GPUs: unset RAY_GPUS, or set another precision")
    if 0 < ray.ray_max_replicas < ray.ray_replicas:
        raise SettingError(
            f"RAY_MAX_REPLICAS={ray.ray_max_replicas} is below RAY_REPLICAS={ray.ray_replicas}: raise it, or unset it"
        )


def check_label_studio(studio: LabelStudio) -> None:
    if studio.label_studio_token and not studio.label_studio_url:
        raise SettingError("LABEL_STUDIO_TOKEN is set and LABEL_STUDIO_URL is not: set both")


def check_teaching(teaching: Teaching) -> None:
    for name in ("teach_keys", "teach_keys_file", "teach_store"):
        if getattr(teaching, name) and not teaching.teach:
            raise SettingError(f"{name.upper()} is set and TEACH is not: set TEACH=1, or unset {name.upper()}")


def check_tls(tls: Tls) -> None:
    if tls.tls_cert and not tls.tls_key:
        raise SettingError("TLS_CERT is set and TLS_KEY is not: set TLS_KEY to the file with the private key")
    if tls.tls_key and not tls.tls_cert:
        raise SettingError("TLS_KEY is set and TLS_CERT is not: set TLS_CERT to the file with the certificate")


def check_ports(network: Network, tls: Tls) -> None:
    listeners = [
        ("PORT", network.port, network.listen),
        ("APP_PORT", network.app_port, network.app_host),
        ("MANAGEMENT_PORT", network.management_port, network.management_host),
    ]
    if tls.tls_cert:
        listeners.append(("TLS_PORT", tls.tls_port, network.listen))
    for (name, port, host), (other_name, other_port, other_host) in combinations(listeners, 2):
        if port == other_port and overlap(host, other_host):
            raise SettingError(f"{name}={port} and {other_name}={port} collide: give each a port of its own")
