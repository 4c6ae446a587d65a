"""A fitted CPU as the record of its file, and back."""

from __future__ import annotations

import msgspec
import torch

from bench.measure.environment import describe_environment
from bench.measure.predict.cpu import FittedCpu
from bench.measure.predict.cpu_model import CpuModel, Roofline
from bench.measure.predict.operations import Operation
from bench.runs.records.predict import FittedNumbers, MeasuredOperations, PredictedTime, PredictRecord


def record_of(fitted: FittedCpu) -> PredictRecord:
    """What the file holds, of the CPU that is here."""
    model = fitted.model
    inputs, outputs, pixels = zip(*(x.shape for x in model.operations), strict=True)
    return PredictRecord(
        environment=msgspec.structs.replace(describe_environment(torch.device("cpu")), threads=1),
        fitted=FittedNumbers(
            launch_s=model.roofline.launch,
            macs_per_second=model.roofline.macs_per_second,
            bytes_per_second=model.roofline.bytes_per_second,
        ),
        operations=MeasuredOperations(
            kind=[x.kind for x in model.operations],
            macs=[x.macs for x in model.operations],
            bytes=[x.bytes for x in model.operations],
            inputs=list(inputs),
            outputs=list(outputs),
            pixels=list(pixels),
            before=[x.before for x in model.operations],
            seconds=list(model.seconds),
        ),
        frames=[
            PredictedTime(
                method=frame.network.method,
                backbone=frame.network.backbone,
                height=frame.network.size[0],
                width=frame.network.size[1],
                num_classes=frame.network.classes,
                frame=frame.kind,
                role=frame.role,
                samples_s=list(frame.samples),
                measured_s=frame.measured,
                predicted_s=frame.predicted,
                error=frame.error,
            )
            for frame in fitted.frames
        ],
    )


def model_of(record: PredictRecord) -> CpuModel:
    """The model that a file holds."""
    columns, numbers = record.operations, record.fitted
    shapes = zip(columns.inputs, columns.outputs, columns.pixels, strict=True)
    operations = [
        Operation(kind, macs, moved, shape, before)
        for kind, macs, moved, shape, before in zip(
            columns.kind, columns.macs, columns.bytes, shapes, columns.before, strict=True
        )
    ]
    roofline = Roofline(numbers.launch_s, numbers.macs_per_second, numbers.bytes_per_second)
    return CpuModel(operations, columns.seconds, roofline)
