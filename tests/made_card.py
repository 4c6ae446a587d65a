"""A card's folder with planted numbers, written by the real writer."""

from __future__ import annotations

from pathlib import Path

import made_records
import msgspec

from bench.runs.card_folder import open_card_folder
from bench.runs.cell_folder import CellFolder
from bench.runs.records.card import (
    CardCell,
    CardConfiguration,
    CardPrediction,
    FrameProfile,
    LabelsOnDevice,
    SpeedPrediction,
)
from bench.runs.records.cell import CellMemory
from bench.runs.records.run import Start
from bench.runs.records.timing import CellTiming, KindTimes, SampleColumns

DEVICE = "NVIDIA Made 100"
START = Start(
    command="mpvss-bench card", environment=msgspec.structs.replace(made_records.ENVIRONMENT, device=DEVICE, driver="1")
)


def configuration(**changed) -> CardConfiguration:
    return CardConfiguration(**{"device": DEVICE, "cpu": "some", "seed": 0, "rounds": 3, **changed})


def timing(fps: float, key_ms: float, non_key_ms: float | None = None, **more) -> CellTiming:
    """Of scope model; one sample of each kind."""
    both = [key_ms] if non_key_ms is None else [key_ms, non_key_ms]
    columns = SampleColumns(
        round=[0] * len(both),
        frame=list(range(len(both))),
        key=[index == 0 for index in range(len(both))],
        seconds=[ms / 1000 for ms in both],
    )
    kinds = [
        KindTimes(scope="model", kind=kind, samples=1, mean_ms=ms, p50_ms=ms)
        for kind, ms in zip(("key", "non-key"), both, strict=False)
    ]
    return CellTiming(samples={"model": columns}, warmup={"model": columns}, kinds=kinds, fps_model=fps, **more)


def row_cell(table: str, method: str, backbone: str, timed: CellTiming) -> CardCell:
    return CardCell(
        part="fps",
        name=f"table-{table}--{method}--{backbone}",
        start=0,
        seconds=1.0,
        method="mpvss",
        backbone=backbone.lower(),
        size=[480, 853],
        num_classes=124,
        table=table,
        paper_method=method,
        paper_backbone=backbone,
        mode="float32",
        timing=timed,
        memory=CellMemory(host_peak_bytes=2**20, device_peak_bytes=3 * 2**20),
    )


def labels(frame: str, unlike: int, ties: int) -> LabelsOnDevice:
    gap = 0.002 if unlike else None
    return msgspec.convert(
        {
            "frame": frame,
            "pixels": 1000,
            "unlike": unlike,
            "ties": ties,
            "widest_gap": gap,
            "classes": 30,
            "most_common_share": 0.25,
        },
        LabelsOnDevice,
    )


def make(path: Path, **changed) -> CellFolder[CardCell]:
    folder = open_card_folder(path, configuration(**changed), START)
    common = {"start": 0, "seconds": 1.0, "method": "mpvss", "backbone": "r50"}
    predictions = [
        SpeedPrediction(
            table="1", method="MPVSS", backbone=name, measured_fps=measured, predicted_fps=predicted, fitted=fitted
        )
        for name, measured, predicted, fitted in (("R50", 50.0, 50.0, True), ("R101", 40.0, 44.0, False))
    ]
    for cell in (
        row_cell("1", "MPVSS", "R50", timing(50.0, 40.0, 15.0, energy_key_j=9.5, energy_non_key_j=4.25)),
        row_cell("1", "MPVSS", "R101", timing(40.0, 50.0, 18.75)),
        row_cell("1", "Mask2Former", "R50", timing(25.0, 40.0)),
        row_cell("2", "MPVSS", "R50", timing(20.0, 100.0, 37.5)),
        CardCell(part="labels", name="mpvss--r50", labels=[labels("key", 10, 4), labels("non-key", 0, 0)], **common),
        CardCell(part="modes", name="mpvss--r50--float32", mode="float32", timing=timing(50.0, 40.0, 15.0), **common),
        CardCell(part="modes", name="mpvss--r50--compile", mode="compiled", timing=timing(75.0, 26.0, 10.0), **common),
        CardCell(
            part="profile",
            name="mpvss--r50",
            profile=[
                FrameProfile(frame="key", ms=80.0, stage_ms={"backbone": 30.0}, launches=1200, busy_ms=60, idle_ms=9)
            ],
            written="profile-mpvss-r50",
            **common,
        ),
        CardCell(part="peer", name="swin-t", error="UserError: transformers is not installed", **common),
        CardCell(
            part="prediction",
            name="fps",
            start=0,
            seconds=1.0,
            prediction=CardPrediction(device="h100", rates={"launch": 5e-6}, speeds=predictions),
        ),
    ):
        folder.save(cell)
    return folder
