"""How often comparisons on a busy machine are right: `python -m bench.ab.trials`, at the root of the checkout.

One core is kept busy, and the code at hand is compared with itself: as it is, and with non-key frames that take 10 %
longer. Every sample and verdict is kept in `results/measured/comparison-trials-*.json`. A file is written after each
comparison, so an interrupted run resumes when you rerun the command.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import msgspec
import torch

from bench.ab.environments import PRESENT
from bench.ab.in_turn import Side, measure_in_turn
from bench.ab.load import load_on
from bench.ab.planted import SLOWDOWN
from bench.compare.runs import compare
from bench.measure.environment import describe_environment
from bench.runs.files import make_folder, write_text
from bench.runs.progress import Progress
from bench.runs.read import read_samples
from bench.runs.record_file import read_record, write_record
from bench.runs.records.base import Kind
from bench.runs.records.trials import Trial, TrialSamples, TrialSetting, TrialsRecord, Verdict
from bench.sweep.messages import Request
from bench.sweep.worker_process import Interpreter
from mpvss.errors import UserError

METHOD, BACKBONE = "planted", "micro"
DATA = "synthetic:clips=1,frames=15,size=64x96"
PAIRS, ROUNDS = 6, 8
FLOOR, ALPHA = 0.05, 0.01
KINDS: tuple[Kind, ...] = ("key", "non-key")
MAKERS = {0.0: "as_it_is", SLOWDOWN: "slowed"}
NAMES = {0.0: "same", SLOWDOWN: "slower"}


def trials(slowdown: float, count: int, out: Path, *, pairs: int = PAIRS, rounds: int = ROUNDS) -> TrialsRecord:
    """Bring the file of one kind of comparison to `count` of them, and return it.

    Args:
        slowdown: of the new side's non-key frames, 0 or `SLOWDOWN`.
        count: comparisons, with those that are there.
        out: folder of the file.
        pairs: pairs of processes of a comparison.
        rounds: rounds of each process.

    Raises:
        UserError: the file that is there was made with another setting.
    """
    core = max(os.sched_getaffinity(0))
    setting = TrialSetting(
        slowdown=slowdown,
        load=f"one process that multiplies matrices, bound to one of {os.cpu_count()} cores",
        data=DATA,
        pairs=pairs,
        rounds=rounds,
        floor=FLOOR,
        alpha=ALPHA,
    )
    make_folder(out)
    file = out / f"comparison-trials-{NAMES[slowdown]}.json"
    record = read_record(file, TrialsRecord) if file.exists() else _empty(setting)
    if record.setting != setting:
        raise UserError(f"{file} was made with another setting ({record.setting}); move it away, or give another --out")
    progress = Progress()
    with load_on(core):
        for number in range(len(record.trials), count):
            trial = _trial(setting)
            record = msgspec.structs.replace(record, trials=[*record.trials, trial])
            write_record(file, record)
            said = ", ".join(f"{kind} {trial.verdicts[kind]} {trial.details[kind]}" for kind in KINDS)
            progress.say(f"{file.name} {number + 1}/{count} ({trial.seconds:.0f} s): {said}")
    return record


def tally(record: TrialsRecord) -> str:
    """How many comparisons came to the right answer."""
    wrong = [trial for trial in record.trials if _false_alarm(trial, record.setting.slowdown)]
    text = f"{len(record.trials)} comparisons, slowdown {100 * record.setting.slowdown:g} %: {len(wrong)} false alarms"
    if record.setting.slowdown:
        found = sum(trial.verdicts["non-key"] == "SLOWER" for trial in record.trials)
        text += f", slowdown found in {found}"
    counts = {kind: [trial.verdicts[kind] for trial in record.trials] for kind in KINDS}
    for kind, verdicts in counts.items():
        text += f"; {kind} " + ", ".join(f"{verdicts.count(name)} {name}" for name in sorted(set(verdicts)))
    return text


def _false_alarm(trial: Trial, slowdown: float) -> bool:
    """Whether a time that did not change was called FASTER or SLOWER, or one that got slower FASTER."""
    wrong = {"key": ("FASTER", "SLOWER"), "non-key": ("FASTER",) if slowdown else ("FASTER", "SLOWER")}
    return any(trial.verdicts[kind] in wrong[kind] for kind in KINDS)


def _empty(setting: TrialSetting) -> TrialsRecord:
    torch.set_num_threads(1)
    return TrialsRecord(setting=setting, environment=describe_environment(torch.device("cpu")), trials=[])


def _trial(setting: TrialSetting) -> Trial:
    start = perf_counter()
    with tempfile.TemporaryDirectory(prefix="mpvss-bench-") as folder:
        base, new = (
            Side(name, PRESENT, _interpreter(Path(folder, f"{name}-path"), MAKERS[share]), Path(folder, name))
            for name, share in (("base", 0.0), ("new", setting.slowdown))
        )
        sys.path.append(base.interpreter.path[-1])  # here the method is only looked up
        request = Request(methods=(METHOD,), backbones=(BACKBONE,), data=DATA, threads=1)
        measure_in_turn(
            (base, new), request, intervals=[5], pairs=setting.pairs, rounds=setting.rounds, progress=_Quiet()
        )
        comparison = compare(base.out, new.out, floor=setting.floor, alpha=setting.alpha)
        verdicts: dict[Kind, Verdict] = {}
        details: dict[Kind, str] = {}
        for finding in comparison.findings:
            for kind in KINDS:
                if finding.quantity.startswith(f"time of {kind} frames"):
                    verdicts[kind] = msgspec.convert(finding.verdict, Verdict)
                    details[kind] = finding.detail
        return Trial(
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(perf_counter() - start, 1),
            load_average=os.getloadavg()[0],
            verdicts=verdicts,
            details=details,
            base=_samples(base.out),
            new=_samples(new.out),
        )


def _samples(run: Path) -> dict[Kind, TrialSamples]:
    table = read_samples(run).query("not warmup")
    table["seconds"] = table["seconds"].round(7)
    columns = ["process", "round", "frame", "seconds"]
    return {
        kind: TrialSamples(**{name: table.loc[table["kind"] == kind, name].tolist() for name in columns})
        for kind in KINDS
    }


def _interpreter(folder: Path, maker: str) -> Interpreter:
    """What runs the present code, with a package that has the method installed in a folder on its path."""
    info = folder / f"{METHOD}-1.dist-info"
    make_folder(info)
    write_text(info / "METADATA", f"Metadata-Version: 2.1\nName: {METHOD}\nVersion: 1\n")
    write_text(info / "entry_points.txt", f"[mpvss_bench.methods]\n{METHOD} = bench.ab.planted:{maker}\n")
    return Interpreter(sys.executable, [str(PRESENT), str(folder)])


class _Quiet(Progress):
    """Progress that shows nothing."""

    def __init__(self) -> None:
        super().__init__(stream=Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the trials that are missing, and print the tally."""
    parser = argparse.ArgumentParser(prog="python -m bench.ab.trials", description=__doc__)
    parser.add_argument("--same", type=int, default=40, metavar="N", help="comparisons without a change (default: 40)")
    parser.add_argument("--slower", type=int, default=20, metavar="N", help="with a slowdown (default: 20)")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"pairs of processes (default: {PAIRS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of each process (default: {ROUNDS})")
    parser.add_argument("--out", type=Path, default=Path("results/measured"), metavar="DIR")
    args = parser.parse_args(arguments)
    for slowdown, count in ((0.0, args.same), (SLOWDOWN, args.slower)):
        print(tally(trials(slowdown, count, args.out, pairs=args.pairs, rounds=args.rounds)), flush=True)


if __name__ == "__main__":
    main()
