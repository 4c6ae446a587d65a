"""A card's planted numbers in its summary, in the report, and in the paper's tables."""

from __future__ import annotations

import pytest
from made_card import DEVICE, make

from bench.report.contents import make_report
from bench.report.published import PaperFigure, read_published
from bench.report.study import read_study
from bench.report.tables.card import card_sheets, card_text, measured_fps
from bench.report.tables.formats import as_html, as_latex, as_markdown
from bench.runs.card_folder import read_card


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path / "card-made").path


def column(sheet, head, group=""):
    """The texts of a column by its head, and whether it is marked as measured."""
    (index,) = [i for i, h in enumerate(sheet.headers) if (h.text, h.group) == (head, group)]
    return [row[index].text for row in sheet.rows], sheet.headers[index].measured


def test_measured_speeds_stand_beside_the_published_ones_and_look_unlike(folder):
    sheets = {sheet.name: sheet for sheet in card_sheets(read_card(folder))}
    speed = sheets["card-nvidia-made-100-speed"]
    printed = read_published()
    rows = [(row[0].text, row[1].text, row[2].text) for row in speed.rows]
    assert rows == [("1", "Mask2Former", "R50"), ("1", "MPVSS", "R50"), ("1", "MPVSS", "R101"), ("2", "MPVSS", "R50")]
    published = [f"{printed[PaperFigure(*row, 'FPS')]:.2f}" for row in rows]
    assert column(speed, "V100, paper", "FPS") == (published, False)
    assert column(speed, "Made 100", "FPS") == (["25.00", "50.00", "40.00", "20.00"], True)
    assert column(speed, "key frame", "p50 (ms)") == (["40.00", "40.00", "50.00", "100.00"], True)
    assert column(speed, "non-key frame", "p50 (ms)") == (["-", "15.00", "18.75", "37.50"], True)
    assert column(speed, "non-key frame", "J") == (["-", "4.25", "-", "-"], True)
    assert column(speed, "Peak memory (MiB)") == (["3"] * 4, True)
    assert column(speed, "predicted", "FPS from kernels") == (["-", "~50.00", "~44.00", "-"], False)
    assert column(speed, "error (%)", "FPS from kernels") == (["-", "+0.0", "+10.0", "-"], False)
    # Of the two predictions one was fitted, so that the other's 10 % is mean and most.
    assert any("rows that were not fitted (1) are off by 10.0% in the mean, 10.0% at most" in n for n in speed.notes)
    assert " 50.00† |" in as_markdown(speed)
    assert "33.93†" not in as_markdown(speed)
    assert r"50.00$^\dagger$" in as_latex(speed)
    assert '<td class="measured">50.00†</td>' in as_html(speed)


def test_the_other_tables(folder):
    sheets = {sheet.name.removeprefix("card-nvidia-made-100-"): sheet for sheet in card_sheets(read_card(folder))}
    assert list(sheets) == ["speed", "labels", "modes", "profile", "failures"]
    # 10 of 1000 labels differ, of which 4 are ties.
    assert column(sheets["labels"], "Agreement (%)")[0] == ["99.4000", "100.0000"]
    assert column(sheets["modes"], "Speed-up")[0] == ["1.00", "1.50"]
    assert column(sheets["profile"], "Kernels")[0] == ["1200"]
    assert [entry.text for entry in sheets["failures"].rows[0]] == [
        "peer",
        "swin-t",
        "UserError: transformers is not installed",
    ]
    text = card_text(read_card(folder))
    assert text.startswith(f"# {DEVICE}\n")
    assert "A try" not in text


def test_each_card_is_a_column_of_the_papers_tables(folder):
    for given in ([folder], [folder.parent]):
        made = make_report(read_study(given))
        tables = {sheet.name: sheet for sheet in made.paper}
        fps, measured = column(tables["table-1"], "Made 100, measured", "FPS")
        found = {row[0].text + row[1].text: text for row, text in zip(tables["table-1"].rows, fps, strict=True)}
        assert measured
        assert found["MPVSSR50"] == "50.00"
        assert found["MPVSSSwin-L"] == "-"
        assert column(tables["table-2"], "Made 100, measured", "FPS")[0].count("20.00") == 1
        assert "card-nvidia-made-100-speed" in [sheet.name for sheet in made.speed]
        assert any("another card than the paper's" in note for note in tables["table-1"].notes)


def test_a_try_on_other_frames_is_no_column(tmp_path):
    folder = make(tmp_path / "card-try", size=[96, 160]).path
    assert measured_fps(read_card(folder)) == {}
    assert "A try on frames of another size" in card_text(read_card(folder))
    headers = [h.text for sheet in make_report(read_study([folder])).paper for h in sheet.headers]
    assert not [text for text in headers if "measured" in text]
