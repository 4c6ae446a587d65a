"""What a measurement was made on."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import torch

from bench.measure.commit import project_commit
from bench.measure.time.guard import open_card
from bench.runs.records.environment import Environment

LIBRARIES = ("mpvss-bench", "torch", "triton", "numpy", "pillow", "av", "fvcore", "nvidia-ml-py")


def describe_environment(device: torch.device) -> Environment:
    """Device, processor, threads, versions, the project's commit and the date."""
    card = open_card(device)
    return Environment(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        device=_device_name(device),
        cpu=cpu_name(),
        threads=torch.get_num_threads(),
        os=platform.platform(),
        python=platform.python_version(),
        cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version(),
        driver=None if card is None else card.driver(),
        float32_matmul=torch.get_float32_matmul_precision(),
        libraries={name: _version(name) for name in LIBRARIES},
        commit=project_commit(),
    )


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def cpu_name() -> str:
    """The processor, as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
