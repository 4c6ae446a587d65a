"""Everything is written whole or not at all: through one home in the sources, and on a disk that fills up."""

from __future__ import annotations

import ast
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from torch import nn

from bench import plotting
from bench.data import write_video
from bench.report.write import report
from bench.runs.files import write_json, write_text
from bench.runs.lease import take_lease
from bench.runs.whole_folder import folder_written_whole
from bench.train.record import write_history
from mpvss.checkpoints import save_checkpoint
from mpvss.errors import UserError
from mpvss.files import written_whole
from mpvss.training.curves import Curves
from mpvss.training.run_state import save_state

ROOT = Path(__file__).resolve().parents[2]
WRITING = {
    *("write_bytes", "write_text", "writelines", "fdopen", "mkstemp", "NamedTemporaryFile", "FileIO", "SummaryWriter"),
    *("savefig", "imsave", "imwrite", "to_file", "tofile", "save_file", "export_chrome_trace"),
    *("savez", "savez_compressed", "savetxt", "to_csv", "to_json", "to_html", "to_markdown", "to_pickle"),
}
"""Names of functions that write a file. `open` and `save` are looked at apart."""
OWN = {"save", "run.save", "self.run.save", "self._run.save", "self._store.save", "self.folder.save"}
"""What is called `save` and is the project's own: it writes through the home."""
HOME = {"mpvss/files.py", "bench/runs/files.py", "bench/runs/lease.py"}
ALLOWED = {
    ("bench/ab/trials.py", "Path(os.devnull).open"): "nothing is kept",
    ("bench/adaptive/table.py", "np.savez_compressed"): "into memory",
    ("bench/data/video_file.py", "av.open"): "into the home's file",
    ("bench/evaluate/clip_store.py", "np.savez_compressed"): "into memory",
    ("bench/evaluate/keeping.py", "writer.save"): "the project's own",
    ("bench/measure/memory.py", "CLEAR_REFS.write_text"): "a switch of the kernel's",
    ("bench/pictures/draw.py", "coarse.save"): "into the home's file",
    ("bench/plotting.py", "figure.savefig"): "into memory",
    ("bench/profiling/frames.py", "profiler.export_chrome_trace"): "read back at once, from a temporary folder",
    ("bench/report/player/pack.py", "Image.fromarray(image).save"): "into memory",
    ("bench/runs/kept_labels.py", "image.save"): "into memory",
    ("bench/sweep/worker.py", "os.fdopen"): "a pipe",
    ("mpvss/checkpoints/files.py", "safetensors.torch.save"): "into memory",
    ("mpvss/training/curves.py", "SummaryWriter"): "a log that grows at its end",
    ("mpvss/training/run_state.py", "torch.save"): "into the home's file",
}


def is_writing(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name.startswith("to_"):
        return name in WRITING and bool(call.args)  # without a file it is a text
    if name == "open":
        literals = [a.value for a in ast.walk(call) if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        return any(set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in literals)
    if name == "write_text" and isinstance(call.func, ast.Name):
        return False  # the home's
    return name in WRITING or (name == "save" and ast.unparse(call.func) not in OWN)


def test_only_one_home_writes_files():
    found = set()
    for package in ("mpvss", "baselines", "bench"):
        for file in sorted((ROOT / package).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and path not in HOME and is_writing(node):
                    found.add((path, ast.unparse(node.func)))
    assert found == set(ALLOWED), "write through mpvss/files.py or bench/runs/files.py"


@pytest.mark.parametrize(
    ("code", "writes"),
    [
        ("open(name, 'w')", True),
        ("path.open(mode='ab')", True),
        ("open(name)", False),
        ("path.open('rb')", False),
        ("Image.open(path, formats=FORMATS)", False),
        ("path.write_text(x)", True),
        ("table.to_csv(file)", True),
        ("table.to_csv(index=False)", False),
        ("torch.save(x, path)", True),
        ("self._store.save(0, name, scores)", False),
    ],
)
def test_the_scan_knows_what_writes(code, writes):
    call = ast.parse(code).body[0].value  # type: ignore[attr-defined]
    assert is_writing(call) == writes


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """No file may grow over so many bytes: the kernel cuts a write there, as where no space is left."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def module() -> nn.Module:
    return nn.Linear(64, 64)


def fill(folder: Path) -> None:
    with folder_written_whole(folder) as new:
        write_text(new / "history.csv", "step\n" * 1000)


def figure() -> Figure:
    made = Figure()
    made.subplots().plot(range(9))
    return made


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "record": ("x.json", lambda file: write_json(file, list(range(1000)))),
    "figure": ("x.svg", lambda file: plotting.save(figure(), file.with_suffix(""), ["svg"])),
    "weights": ("x.safetensors", lambda file: save_checkpoint(module(), file, {})),
    "state of a training": ("checkpoint.pt", lambda file: save_state(file, {"model": module().state_dict()})),
    "history": ("history.csv", lambda file: write_history(file, [{"step": n, "loss": 0.1} for n in range(500)])),
    "video": ("x.mp4", lambda file: write_video(file, noise(), fps=10)),
    "folder of files": ("row", fill),
}


def noise():
    return np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3), np.uint8)


def content(path: Path) -> object:
    return {file.name: file.read_bytes() for file in path.iterdir()} if path.is_dir() else path.read_bytes()


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("kind", WRITERS)
def test_a_disk_that_fills_up_leaves_what_was_there_and_names_the_file(kind, earlier, tmp_path):
    name, write = WRITERS[kind]
    path = tmp_path / name
    if earlier:
        write(path)
    before = content(path) if earlier else None
    with full_disk(2000), pytest.raises(UserError, match=rf"{name}.*cannot be written: File too large") as refused:
        write(path)
    assert "\n" not in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == [name] * earlier
    assert not earlier or content(path) == before
    write(path)  # as soon as there is room
    assert path.exists()


def test_a_report_on_a_disk_that_fills_up(tmp_path):
    runs = [ROOT / "results" / "measured" / "small-speed"]
    with full_disk(2000), pytest.raises(UserError, match=r"\.csv cannot be written: File too large"):
        report(runs, tmp_path / "report", ["csv"])
    assert list((tmp_path / "report").glob(".*")) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # TensorBoard's own thread
def test_curves_and_leases_on_a_full_disk(tmp_path):
    with full_disk(10), pytest.raises(UserError, match=r"cannot be written: File too large"):
        take_lease(tmp_path)
    assert list(tmp_path.iterdir()) == []  # no empty lease stands in the way
    with full_disk(10), pytest.raises(UserError, match=r"tensorboard cannot be written: File too large"):  # noqa: PT012
        curves = Curves(tmp_path / "tensorboard", 0)
        curves.add({"loss": 0.1}, 1)


@pytest.mark.parametrize("name", ["ä" * 127, "漢" * 85, "x" * 255])
def test_a_name_as_long_as_file_systems_take_is_written(name, tmp_path):
    with written_whole(tmp_path / name) as file:
        file.write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_library_that_fails_in_its_own_words_is_told_apart_from_the_disk(tmp_path):
    def write(content: bytes) -> None:
        with written_whole(tmp_path / "a.pt") as file:
            try:
                file.write(content)
            finally:
                raise RuntimeError("unexpected pos")  # as PyTorch's writer of archives puts it

    with pytest.raises(RuntimeError, match="unexpected pos"):
        write(b"x")
    with full_disk(10), pytest.raises(UserError, match=r"a\.pt cannot be written: File too large"):
        write(b"x" * 100_000)
    assert list(tmp_path.iterdir()) == []
