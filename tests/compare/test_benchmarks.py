"""Files of pytest-benchmark are judged as runs are: a file is a process."""

import json
import os
import subprocess
import sys

import pytest

from bench.cli.main import main
from bench.compare import NotComparableError
from bench.compare.benchmarks import benchmark_files, compare_benchmarks, read_benchmarks
from mpvss.errors import UserError


def write(path, medians, cpu="some"):
    path.parent.mkdir(parents=True, exist_ok=True)
    benchmarks = [
        {"group": "warp", "fullname": f"tests/test_x.py::{name}", "stats": {"median": median}}
        for name, median in medians.items()
    ]
    path.write_text(json.dumps({"machine_info": {"cpu": {"brand_raw": cpu}}, "benchmarks": benchmarks}))
    return path


def side(folder, times, cpu="some"):
    return [write(folder / f"{i}.json", {"test_a": time, "test_b": 0.5}, cpu) for i, time in enumerate(times)]


def test_processes_are_judged_and_one_is_not_enough(tmp_path):
    base = side(tmp_path / "base", [0.010, 0.011, 0.010, 0.009, 0.010])
    new = side(tmp_path / "new", [0.020, 0.021, 0.020, 0.019, 0.020])
    found = {finding.method: finding for finding in compare_benchmarks(base, new).findings}
    assert {name: finding.verdict for name, finding in found.items()} == {
        "test_x.py::test_a": "SLOWER",
        "test_x.py::test_b": "SAME",
    }
    assert (found["test_x.py::test_b"].base, found["test_x.py::test_b"].backbone) == (pytest.approx(500), "warp")
    alone = compare_benchmarks(base[:1], new[:1]).findings[0]
    assert alone.verdict == "UNCLEAR"
    assert "1 process a side, and a verdict takes 5" in alone.detail


def test_the_command_takes_files_folders_and_lists_of_them(tmp_path, capsys):
    base = side(tmp_path / "base", [0.01] * 5)
    side(tmp_path / "new", [0.02] * 5)
    assert main(["compare", str(tmp_path / "base"), str(tmp_path / "new")]) == 1
    assert "SLOWER" in capsys.readouterr().out
    assert main(["compare", ",".join(map(str, base)), str(tmp_path / "base")]) == 0
    assert main(["compare", str(base[0]), str(base[1]), "--bisect"]) == 125
    assert benchmark_files([tmp_path / "base"]) == base


def test_what_one_side_alone_has_is_remarked_and_nothing_shared_is_not_comparable(tmp_path):
    base = write(tmp_path / "a.json", {"test_a": 1.0, "test_b": 1.0})
    other = write(tmp_path / "b.json", {"test_a": 1.0})
    assert compare_benchmarks([base], [other]).remarks == [f"test_x.py::test_b of {base} alone"]
    with pytest.raises(NotComparableError, match="share no benchmark"):
        compare_benchmarks([other], [write(tmp_path / "c.json", {"test_c": 1.0})])


def test_other_machines_are_not_compared(tmp_path):
    files = [write(tmp_path / f"{cpu}.json", {"test_a": 1.0}, cpu) for cpu in ("one", "two")]
    with pytest.raises(NotComparableError, match=r"one\.json was measured on .*'one'.* and .*'two'"):
        compare_benchmarks(files[:1], files[1:])


@pytest.mark.parametrize("median", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(tmp_path, median):
    file = write(tmp_path / "a.json", {"test_a": median})
    with pytest.raises(UserError, match=rf"a\.json is not a file of pytest-benchmark: .*test_a is {median} s"):
        read_benchmarks(file)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"benchmarks": [{}], "machine_info": {}}'])
def test_another_file_is_refused(tmp_path, text):
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(UserError, match=r"x\.json is not a file of pytest-benchmark"):
        read_benchmarks(file)
    with pytest.raises(UserError, match="neither a results folder"):
        benchmark_files([tmp_path / "nowhere"])
    with pytest.raises(UserError, match="floor is -1"):
        compare_benchmarks([file], [file], floor=-1)


def test_a_file_that_pytest_benchmark_writes(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_sum(benchmark):\n    benchmark(sum, range(9))\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "test_it.py",
        "--benchmark-max-time=0.01",
        "-p",
        "no:cacheprovider",
    ]
    # Within a worker of pytest-xdist nothing would be timed.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    for name in ("one", "two"):
        arguments = [*command, f"--benchmark-json={name}.json"]
        subprocess.run(arguments, cwd=tmp_path, check=True, capture_output=True, env=environment)
    file = read_benchmarks(tmp_path / "one.json")
    raw = json.loads(file.path.read_text())["benchmarks"][0]["stats"]
    assert file.medians == {("", "test_it.py::test_sum"): raw["median"]}
    (finding,) = compare_benchmarks([tmp_path / "one.json"], [tmp_path / "two.json"]).findings
    assert finding.verdict == "UNCLEAR"
