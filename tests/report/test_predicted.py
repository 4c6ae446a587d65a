"""Predicted figures look unlike published and measured ones, in every table and plot."""

from __future__ import annotations

import msgspec
import pytest

from bench.report.contents import make_report
from bench.report.figures.predicted import KNOWN, PREDICTED
from bench.report.study import read_study
from bench.report.tables.formats import as_csv, as_html, as_latex, as_markdown
from bench.runs.record_file import write_record
from bench.runs.records.cost import CostRecord, PredictedFigure, PredictedMethod
from bench.runs.records.environment import Environment
from bench.runs.records.predict import FittedNumbers, MeasuredOperations, PredictedTime, PredictRecord

ENVIRONMENT = Environment(
    date="2024-01-01T00:00:00+00:00", device="cpu", cpu="x", threads=1, os="", python="", libraries={}, commit=None
)
OPERATIONS = MeasuredOperations(
    kind=["product"], macs=[1], bytes=[8], inputs=[0.0], outputs=[0.0], pixels=[0.0], before=[0.0], seconds=[1e-6]
)


def time_of(role: str, measured: float, predicted: float) -> PredictedTime:
    return PredictedTime(
        method="mpvss",
        backbone="nano",
        height=64,
        width=96,
        num_classes=3,
        frame="key",
        role=role,  # type: ignore[arg-type]
        samples_s=[measured],
        measured_s=measured,
        predicted_s=predicted,
        error=predicted / measured - 1,
    )


def predictions() -> PredictRecord:
    numbers = FittedNumbers(launch_s=1e-6, macs_per_second=1e9, bytes_per_second=1e9)
    frames = [time_of("fitted", 0.5, 0.5), time_of("held out", 0.020, 0.0234)]
    return PredictRecord(environment=ENVIRONMENT, fitted=numbers, operations=OPERATIONS, frames=frames)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    speed = PredictedFigure(
        table="1", method="MPVSS", backbone="R50", published_fps=33.93, predicted_fps=31.12, fitted=False, error=-0.083
    )
    row = PredictedMethod(
        method="copy",
        backbone="nano",
        device="t4",
        precision="float32",
        graph="lean",
        key_ms=8.0,
        non_key_ms=0,
        fps=625,
    )
    write_record(folder / "cost-speeds.json", CostRecord(speeds=[speed]))
    write_record(folder / "cost-t4.json", CostRecord(predicted=[row], height=64, width=96, num_classes=3))
    write_record(folder / "predict-cpu.json", predictions())
    return make_report(read_study([folder]))


def test_tables_have_predicted_figures_in_italics_after_a_tilde(report):
    sheets = {sheet.name: sheet for sheet in report.predicted}
    assert list(sheets) == ["predicted-v100", "predicted-devices", "predicted-cpu"]
    for sheet, (published, shown) in {
        "predicted-v100": ("33.93", "~31.12"),
        "predicted-devices": ("", "~625.00"),
        "predicted-cpu": ("20.00", "~23.40"),
    }.items():
        table = sheets[sheet]
        assert f"*{shown}*" in as_markdown(table)
        assert f"<i>{shown}</i>" in as_html(table)
        assert rf"\textit{{\textasciitilde{{}}{shown[1:]}}}" in as_latex(table)
        assert "redicted" in as_csv(table).splitlines()[0]
        assert published in as_markdown(table)
        for row in table.rows:
            for header, entry in zip(table.headers, row, strict=True):
                is_predicted = header.text.lower().startswith("predicted")
                assert (entry.mark == "predicted") == entry.text.startswith("~") == is_predicted


def test_plots_show_predicted_figures_hollow_and_hatched(report):
    plots = {plot.name: plot.figure for plot in report.plots}
    for name, known, shown in (("predicted-v100", 33.93, 31.12), ("predicted-cpu", 20.0, 23.4)):
        (axes,) = plots[name].axes
        predicted, other = axes.collections
        assert (predicted.get_label(), other.get_label()[-3:]) == ("~ predicted", "hed" if known > 30 else "red")
        assert predicted.get_offsets()[0][0] == pytest.approx(shown)
        assert other.get_offsets()[0][0] == pytest.approx(known)
        assert predicted.get_hatch()
        assert not other.get_hatch()
    assert PREDICTED["marker"] != KNOWN["marker"]


def test_a_record_of_predictions_needs_columns_of_one_length():
    with pytest.raises(ValueError, match="differ in length"):
        msgspec.structs.replace(OPERATIONS, kind=["product", "view"]).__post_init__()
