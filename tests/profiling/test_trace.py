"""Traces made by hand, whose times are arithmetic: operators in stages, kernels of a device, and ceilings."""

import gzip
import json

import pytest

from bench.measure.count.executed import Tally
from bench.profiling.attribution import BETWEEN, OUTSIDE
from bench.profiling.ceilings import Ceilings
from bench.profiling.profile import read_trace
from bench.profiling.tables import device_rows, kernel_rows, operator_rows, stage_rows
from bench.profiling.trace_file import compress_trace

THREAD = 7


def span(category: str, name: str, start: float, end: float, **args):
    return {"ph": "X", "cat": category, "name": name, "ts": start, "dur": end - start, "tid": THREAD, "args": args}


def launch(time: float, correlation: int):
    return span("cuda_runtime", "cudaLaunchKernel", time, time + 1, correlation=correlation)


def kernel(name: str, start: float, end: float, correlation: int, category: str = "kernel"):
    return {**span(category, name, start, end, correlation=correlation), "tid": 13}


HOST = [
    span("user_annotation", "key frame", 0, 100),
    span("user_annotation", "transfer", 0, 10),
    span("user_annotation", "segment", 10, 100),
    span("user_annotation", "backbone", 20, 60),
    span("cpu_op", "aten::linear", 20, 40, **{"Input Dims": [[1] * 8] * 50}),
    span("cpu_op", "aten::addmm", 25, 40),
    span("cpu_op", "aten::copy_", 26, 30),
    span("user_annotation", "of a library", 40, 50),
    span("cpu_op", "aten::relu", 41, 49),
    span("cpu_op", "aten::add", 70, 80),
]
DEVICE = [
    launch(1, 1),
    kernel("Memcpy HtoD", 5, 15, 1, "gpu_memcpy"),
    launch(27, 2),
    kernel("gemm", 40, 60, 2),
    launch(45, 3),
    kernel("relu", 55, 65, 3),
    launch(75, 4),
    kernel("add", 85, 90, 4),
    launch(500, 5),
    kernel("of no frame", 501, 502, 5),
]
COUNTS = {
    "key": {
        ("backbone", "aten::addmm"): Tally(1, 3000, 600),
        ("backbone", "aten::relu"): Tally(1, 0, 80),
        ("segment", "aten::add"): Tally(1, 0, 120),
    }
}
CEILINGS = Ceilings(macs_per_second=1e9, bytes_per_second=1e8)


def microseconds(rows, key, column):
    return {row[key]: pytest.approx(row[column] * 1e3) for row in rows}


def test_time_of_stages_and_operators():
    _, measured = read_trace({"traceEvents": HOST}, COUNTS.values())
    assert microseconds(stage_rows(measured, COUNTS, CEILINGS), "stage", "ms") == {
        "transfer": 10,
        "segment": 50,
        "backbone": 40,
    } | {OUTSIDE: 0}
    operators = operator_rows(measured, COUNTS, CEILINGS)
    # A counted operator keeps what it calls; one that is made of such keeps the rest.
    assert microseconds([row for row in operators if row["stage"] == "backbone"], "operator", "ms") == {
        "aten::linear": 5,
        "aten::addmm": 15,
        "aten::relu": 8,
        BETWEEN: 12,
    }
    (product,) = (row for row in operators if row["operator"] == "aten::addmm")
    assert (product["macs_per_byte"], product["gmacs_per_s"]) == (5, pytest.approx(3000 / 15e-6 / 1e9))
    assert product["gb_per_s"] == pytest.approx(600 / 15e-6 / 1e9)
    assert product["of_ceiling"] == pytest.approx(max(3000 / 15e-6 / 1e9, 600 / 15e-6 / 1e8))
    assert device_rows(measured) == kernel_rows(measured) == []


def test_device_is_read_by_what_launched_it():
    _, measured = read_trace({"traceEvents": HOST + DEVICE}, COUNTS.values())
    stages = stage_rows(measured, COUNTS, CEILINGS)
    assert microseconds(stages, "stage", "ms") == {"transfer": 10, "backbone": 30, "segment": 5, OUTSIDE: 0}
    assert microseconds(stages, "stage", "host_ms")["backbone"] == 40
    assert {row["stage"]: row["launches"] for row in stages} == {
        "transfer": 0,
        "backbone": 2,
        "segment": 1,
        OUTSIDE: 0,
    }
    assert [(row["kernel"], row["stage"], row["operator"]) for row in kernel_rows(measured)] == [
        ("gemm", "backbone", "aten::addmm"),
        ("Memcpy HtoD", "transfer", BETWEEN),
        ("relu", "backbone", "aten::relu"),
        ("add", "segment", "aten::add"),
    ]
    (row,) = device_rows(measured)
    # Busy from 5 to 15, 40 to 65 and 85 to 90.
    expected = {"span_ms": 0.085, "busy_ms": 0.040, "idle_ms": 0.045, "longest_gap_ms": 0.025}
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert (row["launches"], row["gaps"]) == (3, 2)


def test_trace_without_frames_is_refused():
    with pytest.raises(ValueError, match="'key frame' or 'non-key frame'"):
        read_trace({"traceEvents": HOST[3:]}, COUNTS.values())


def test_too_large_a_trace_loses_shapes_first():
    trace = {"traceEvents": HOST, "host_name": "private"}
    frames, _ = read_trace(trace, COUNTS.values())
    whole, dropped = compress_trace(trace, frames, 10**6)
    content = json.loads(gzip.decompress(whole))
    assert (content, dropped) == ({"traceEvents": HOST}, [])
    smaller, dropped = compress_trace(trace, frames, len(whole) - 1)
    assert dropped == ["shapes"]
    assert len(json.loads(gzip.decompress(smaller))["traceEvents"]) == len(HOST)
    with pytest.raises(ValueError, match=r"the trace takes .* MB with frames and stages alone; allow more"):
        compress_trace(trace, frames, 10)


@pytest.mark.parametrize(("intensity", "most"), [(1, 1e8), (10, 1e9), (100, 1e9)])
def test_roof(intensity, most):
    assert CEILINGS.macs_per_second_at(intensity) == most
