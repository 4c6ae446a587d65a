"""Two processes as `torchrun` starts them validate on half of the clips each, and find what one finds on all."""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench.data import open_dataset
from bench.methods.registry import build_method
from bench.train.flow_data import open_flow_clips
from bench.train.validation import end_point_error, video_miou

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
VIDEO = "generated:clips=3,frames=4,size=64x64,seed=2"
SHAPES = "flying-shapes:pairs=3,seed=2,size=64x64"
CONFIGURATION = """
[model]
method = "{method}"
backbone = "nano"
[data]
train = "{train}"
validation = "{validation}"
crop = [64, 64]
max_distance = 2
[training]
steps = 2
batch = 2
points = 32
validate_every = 2
"""


def train_in_two(folder: Path, method: str, train: str, validation: str) -> dict[str, str]:
    """The last line of the history."""
    config = folder / "tiny.toml"
    config.write_text(CONFIGURATION.format(method=method, train=train, validation=validation))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", "train", str(config), "--threads", "1", "--out", str(folder / "run")]
    processes = [
        subprocess.Popen(command, env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(2)
    ]
    try:
        assert [process.wait(timeout=240) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    return list(csv.DictReader((folder / "run/history.csv").open()))[-1]


def test_miou_of_two_processes_is_that_of_one(tmp_path):
    train = "generated:clips=2,frames=4,size=64x64,seed=1"
    row = train_in_two(tmp_path, "per-frame", train, VIDEO)
    built = build_method("per-frame", backbone="nano", num_classes=6, weights=tmp_path / "run/model.safetensors")
    alone = video_miou(built.module.eval(), open_dataset(VIDEO), 5, CPU)
    assert float(row["miou"]) == alone["miou"] > 0


@pytest.mark.slow
def test_end_point_error_of_two_processes_is_that_of_one(tmp_path):
    row = train_in_two(tmp_path, "flownets", "flying-shapes:pairs=3,seed=1,size=64x64", SHAPES)
    weights = tmp_path / "run/model.safetensors"
    flow = build_method("optical-flow", backbone="nano", num_classes=6, weights=weights).module.flow
    clips, _ = open_flow_clips(SHAPES, 0.0)
    alone = end_point_error(flow.eval(), clips, 2, CPU)
    assert float(row["epe"]) == alone["epe"] > 0
