"""What the README and the pages of docs/ show is what works."""

import argparse
import re
import shutil

import pytest
import torch
from doc_blocks import PAGES, ROOT, blocks, commands

from bench.cli.main import main, make_parser
from bench.data import open_dataset, write_video
from bench.methods import shipped

README = ROOT / "README.md"
TEXT = README.read_text()
CLIPS = "synthetic:clips=1,frames=3,size=64x96"
TWO_CLIPS = "synthetic:clips=2,frames=3,size=64x96"
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def each_page(language: str = "", word: str = ""):
    """A test for each page that has a block in the language with the word in it; without a language, for each page."""
    pages = [page for page in PAGES if not language or any(word in block for block in blocks(page, language))]
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


def named_commands() -> list[str]:
    actions = make_parser()._actions
    (subparsers,) = (action for action in actions if isinstance(action, argparse._SubParsersAction))
    return list(subparsers.choices)


def test_the_first_page_is_short():
    assert len(TEXT.splitlines()) <= 130


def test_the_example_prints_what_it_shows(capsys):
    exec(compile(blocks(README, "python")[0], "README.md", "exec"), {})
    printed, shown = capsys.readouterr().out, blocks(README, "text")[0]
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)
    # Processors differ in a few pixels of 61,440.
    assert [float(n) for n in NUMBER.findall(printed)] == pytest.approx(
        [float(n) for n in NUMBER.findall(shown)], abs=0.2
    )


def test_continuous_integration_runs_the_test_command():
    command = next(line for line in blocks(README, "sh")[1].splitlines() if line)
    assert command.endswith("tox run")
    assert command in (ROOT / ".ci" / "run").read_text()


def test_every_command_has_a_line_and_a_page():
    rows = re.findall(r"^\| `(\w+)` \| .* \| \[[\w ]+\]\((docs/[\w-]+\.md)\) \|$", TEXT, re.MULTILINE)
    assert sorted(command for command, _ in rows) == sorted(named_commands())
    for command, page in rows:
        assert re.search(rf"`?(mpvss-bench )?{command}\b", (ROOT / page).read_text()), f"{page} is silent on {command}"


@each_page()
def test_every_file_it_names_is_there(page):
    text = page.read_text()
    links = {page.parent / link for link in re.findall(r"\]\(([^)#:]+)\)", text)}
    named = re.findall(r"`((?:mpvss|baselines|bench|tests|docs|\.ci)/[\w./-]*)`", text)
    named = {ROOT / name for name in named if "NAME" not in name}
    assert [str(path) for path in sorted(links | named) if not path.exists()] == []


@each_page("sh", "mpvss-bench")
def test_every_command_is_parsed(page, tmp_path):
    for arguments in commands(page, tmp_path):
        assert callable(make_parser().parse_args(arguments).run), arguments


@each_page("python")
def test_every_python_block_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), scope)


def test_every_interval_is_in_the_report():
    stated = re.findall(r"-?\d+\.\d+ \[-?\d+\.\d+, -?\d+\.\d+\]", (ROOT / "docs" / "results.md").read_text())
    report = (ROOT / "reports" / "report.md").read_text()
    tables = "".join(file.read_text() for file in sorted((ROOT / "reports" / "tables").glob("*.md")))
    assert len(stated) > 10
    assert [figure for figure in stated if figure not in report + tables] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@each_page("sh", "mpvss-bench")
def test_every_command_runs_on_little_data(page, tmp_path, monkeypatch):
    """In the order of the page, one after the other, since some need what others wrote."""
    home = tmp_path / "home"
    home.mkdir()
    for folder in ("results", "bench/weights"):
        shutil.copytree(ROOT / folder, home / folder, ignore=shutil.ignore_patterns("runs"))
    (home / "results/runs/measured").mkdir(parents=True)
    frames = [frame.image.transpose(1, 2, 0) for frame in open_dataset(CLIPS).clips[0].frames()]
    write_video(home / "street.mp4", frames, fps=15)
    for text in blocks(page, "toml") if page.name == "cost.md" else ():
        (home / "mine.toml").write_text(text)
    monkeypatch.chdir(home)
    monkeypatch.setattr(shipped, "FOLDER", home / "bench" / "weights")
    threads = torch.get_num_threads()
    for arguments in commands(page, tmp_path):
        if reason_to_leave(arguments):
            continue
        # Both give a verdict on what they measured, and 1 is one that this machine may give.
        gives_verdict = arguments[0] == "compare" or "--fit" in arguments
        assert main(in_little(arguments)) in ((0, 1) if gives_verdict else (0,)), arguments
    torch.set_num_threads(threads)


def reason_to_leave(arguments: list[str]) -> str | None:
    """Why a command is not run here."""
    command, *options = arguments
    others = " ".join(option for before, option in zip(arguments, options, strict=False) if before != "--data")
    if command == "demo":
        return "test_demo.py runs it"
    if command == "card":
        return "it takes a GPU, or many minutes; tests/card/ measures one in little"
    if "--paper" in options:
        return "tests/measure/count/test_paper_cells.py counts them"
    if "PATH" in others or ".pth" in others:
        return "it needs a checkpoint or a model that is not shipped"
    if "REAL/" in " ".join(options):
        return "it needs real video, and tests/train/ trains on stills in little"
    if "--ab" in options:
        return "tests/ab/ measures versions"
    if "hub:" in others:
        return "it needs a network"
    if "cuda" in options:
        return "it needs a GPU"
    return None


def in_little(arguments: list[str]) -> list[str]:
    """The command on less data, in fewer steps, and outside of results/measured; later options override earlier."""
    command, *options = arguments
    little = {
        "sweep": ["--data", TWO_CLIPS if {"--shard", "--only", "--workers"} & {*options} else CLIPS, "--threads", "1"],
        "latency": ["--data", CLIPS, "--threads", "1", "--time-limit", "1", "--size", "64x96", "--processes", "2"],
        "stream": ["--clips", "1", "--frames", "3", "--threads", "1"],
        "schedules": ["--data", TWO_CLIPS, "--intervals", "2", "--longest", "3", "--threads", "1"],
        "strip": ["--data", "synthetic:clips=7,frames=10,size=64x96", "--threads", "1"],
        "segment": ["--frames", "2", "--threads", "1"],
        "cost": ["--backbones", "micro", "--size", "64x96"],
        "peer": ["--size", "64x96", "--classes", "8", "--rounds", "1", "--threads", "1"],
        "profile": ["--size", "64x96", "--frames", "2", "--backbone", "micro", "--threads", "1"],
        "train": ["--threads", "1", *little_training(arguments[1])] if command == "train" else [],
    }.get(command, [])
    moved = list(options)
    for index, before in enumerate(options[:-1]):
        if before in ("--out", "--json"):
            moved[index + 1] = options[index + 1].replace("results/measured", "results/runs/measured")
    return [command, *moved, *little]


def little_training(preset: str) -> list[str]:
    """One step on pictures of 64x64."""
    data = "flying-shapes:pairs=2,seed={seed},size=64x64" if "flownets" in preset else "synthetic:split={split},{some}"
    some = "clips=2,frames=10,size=64x64"
    values = {
        "data.train": data.format(split="train", some=some, seed=1),
        "data.validation": data.format(split="val", some=some, seed=2),
        "data.crop": "[64, 64]",
        "training.steps": "1",
        "training.batch": "2",
        "training.points": "32",
    }
    if "flownets" in preset:
        del values["training.points"]
    if preset == "small-camvid-mpvss":
        values["data.moving"] = '["car"]'
    return [text for key, value in values.items() for text in ("--set", f"{key}={value}")]
