"""The demo: three commands, ending in a page."""

from bench.cli import demo
from bench.cli.main import main


def test_it_ends_in_a_page_with_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "CLIPS", "synthetic:clips=1,frames=5,size=64x96")
    monkeypatch.setattr(demo, "METHODS", demo.PICTURED)
    assert main(["demo", "--out", str(tmp_path / "demo"), "--threads", "1"]) == 0
    page = tmp_path / "demo" / "report" / "index.html"
    said = capsys.readouterr().out
    assert [line.split()[2] for line in said.splitlines() if line.startswith("$ ")] == ["sweep", "strip", "report"]
    assert said.splitlines()[-1] == f"open {page}"
    assert "untrained" not in (tmp_path / "demo" / "report" / "report.md").read_text()
    assert [file.stem.split("-")[0] for file in sorted((tmp_path / "demo" / "pictures").iterdir())] == ["flow", "strip"]
    assert "data:image/png" in page.read_text()
    assert f"open {page.with_name('player.html')}" in said
    assert len(list((page.parent / "player").rglob("cell-*.js"))) == len(list((tmp_path / "demo/cells").iterdir()))


def test_a_step_that_fails_ends_it(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "demo"), "--threads", "-1"]) == 2
    said = capsys.readouterr()
    assert "threads is -1; it must be 1 or more" in said.err
    assert said.out.count("$ ") == 1
