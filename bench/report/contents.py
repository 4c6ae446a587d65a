"""All that a report says, before it has a format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from matplotlib.figure import Figure

from bench.plotting import figure_bytes, styled
from bench.report.claims.claims import Verdict, claims_sheet, judge, read_claims
from bench.report.claims.contradictions import contradictions, contradictions_sheet, counted_contradictions
from bench.report.claims.small import judge_small
from bench.report.claims.speeds import solved_frames, speeds_sheet
from bench.report.figures.figures import (
    accuracy_against_interval,
    counted_macs_against_interval,
    differences,
    macs_against_interval,
    warping_strategies,
)
from bench.report.figures.predicted import predicted_speeds, predicted_times
from bench.report.figures.schedules import accuracy_against_mean_cost
from bench.report.figures.sizes import times_against_size
from bench.report.figures.stream import accuracy_against_rate
from bench.report.figures.tradeoff import accuracy_against_cost, times_by_kind
from bench.report.published import Measurements, read_published
from bench.report.run import StudyRun
from bench.report.sizes import runs_by_size
from bench.report.study import Study
from bench.report.tables.card import card_sheets
from bench.report.tables.counted import counted_ways_sheets
from bench.report.tables.latency import latency_sheet, speed_sheet
from bench.report.tables.paper import paper_tables
from bench.report.tables.peer import peer_sheet
from bench.report.tables.predicted import predicted_sheets
from bench.report.tables.schedules import schedules_sheet
from bench.report.tables.sheet import Sheet
from bench.report.tables.sizes import sizes_sheet
from bench.report.tables.small import small_tables
from bench.report.tables.stream import less_per_frame_sheet, stream_sheet

WIDE = 7.0
"""Inches."""


@dataclass(frozen=True)
class Plot:
    """A figure with the stem of its files and what it shows."""

    name: str
    title: str
    figure: Figure

    @property
    def wide(self) -> bool:
        """Whether it has panels beside each other, too small to read on a phone."""
        return float(self.figure.get_figwidth()) > WIDE

    @cached_property
    def svg(self) -> str:
        """The figure as SVG."""
        return self.render("svg").decode()

    def render(self, ending: str) -> bytes:
        """The figure as a file of the format."""
        with styled():
            return figure_bytes(self.figure, ending)


@dataclass(frozen=True)
class Report:
    """The parts of a report.

    Attributes:
        study: what it is made from.
        paper: the paper's tables beside what was measured; empty without the published tables.
        small: small-scale counterparts of the paper's tables, run by run.
        speed: times by kind of frame, run by run, and those beside the peer.
        predicted: predicted speeds and times, beside published or measured ones.
        verdicts: on the paper's claims.
        claims: the verdicts as a table.
        solved_speeds: whether the paper's own speeds agree with each other, as a table.
        contradictions: of the paper's own figures with each other and with counts, as a table.
        plots: run by run.

    """

    study: Study
    paper: tuple[Sheet, ...]
    small: tuple[Sheet, ...]
    speed: tuple[Sheet, ...]
    predicted: tuple[Sheet, ...]
    verdicts: tuple[Verdict, ...]
    claims: Sheet
    solved_speeds: Sheet
    contradictions: Sheet
    plots: tuple[Plot, ...]

    @property
    def sections(self) -> dict[str, tuple[Sheet, ...]]:
        """Every table, by the title of its section."""
        return {
            "Small-scale counterparts of the paper's tables": self.small,
            "Speed": self.speed,
            "Predicted speed": self.predicted,
            "Claims": (self.claims, self.solved_speeds),
            "Contradictions": (self.contradictions,),
            "Tables of the paper": self.paper,
        }

    @property
    def sheets(self) -> list[Sheet]:
        """Every table."""
        return [sheet for sheets in self.sections.values() for sheet in sheets]

    def tally(self) -> dict[str, int]:
        """How many cases of claims have each verdict."""
        return dict(Counter(verdict.verdict for verdict in self.verdicts))


def make_report(study: Study) -> Report:
    """Judge, tabulate and draw."""
    small = tuple(sheet for run in study.runs for sheet in small_tables(run))
    speed = tuple(_speed(study))
    forecast = tuple(predicted_sheets(study))
    with styled():
        plots = tuple(_plots(study))
    published, claims, measurements = read_published(), read_claims(), Measurements(study)
    verdicts = tuple(
        verdict
        for claim in claims
        for verdict in (judge_small(claim, study) if claim.positive else judge(claim, published, measurements))
    )
    return Report(
        study=study,
        paper=(*paper_tables(published, measurements, study.cards), *counted_ways_sheets(study.paper_costs)),
        small=small,
        speed=speed,
        predicted=forecast,
        verdicts=verdicts,
        claims=claims_sheet(verdicts),
        solved_speeds=speeds_sheet(solved_frames(published)),
        contradictions=contradictions_sheet(
            [*contradictions(published, claims), *counted_contradictions(study.paper_costs)]
        ),
        plots=plots,
    )


RUN_PLOTS = (
    ("differences", "Accuracy less that of per-frame, with paired 95 % intervals", differences),
    (
        "accuracy-cost",
        "Accuracy against cost; the numbers are key-frame intervals on the front",
        accuracy_against_cost,
    ),
    ("figure-3a", "mIoU of MPVSS against the key-frame interval", accuracy_against_interval),
    ("figure-3b", "MACs of MPVSS against the key-frame interval", macs_against_interval),
    ("figure-3c", "Accuracy of the ways to propagate, by key-frame interval", warping_strategies),
    ("times", "Times of key frames and non-key frames", times_by_kind),
)


PREDICTED_PLOTS = (
    ("predicted-v100", "FPS on a V100, published and predicted", predicted_speeds),
    ("predicted-cpu", "CPU times of frames, measured and predicted", predicted_times),
)


def _speed(study: Study) -> Iterator[Sheet]:
    for run in study.runs:
        if run.latency:
            yield latency_sheet(run.latency, run.name, run.about.configuration.frame_rate)
        if run.latency and not run.scored:
            yield speed_sheet([cell for cell in run.cells if cell["status"] == "ok"], run.name)
    for number, group in enumerate(runs_by_size(study.runs)):
        yield sizes_sheet(group, _numbered("sizes", number))
    if study.peers:
        yield peer_sheet(study.peers)
    for card in study.cards:
        yield from card_sheets(card)
    for streams in study.streams:
        yield stream_sheet(streams.name, streams.about, streams.cells)
        if (against := less_per_frame_sheet(streams.name, streams.about, streams.cells)) is not None:
            yield against
    for played in study.schedules:
        yield schedules_sheet(played.name, played.about, played.cells)


def _plots(study: Study) -> Iterator[Plot]:
    for run in study.runs:
        yield from _run_plots(run)
    for number, group in enumerate(runs_by_size(study.runs)):
        yield Plot(_numbered("sizes", number), "Times against the frame size", times_against_size(group))
    counted = counted_macs_against_interval(study.costs)
    if counted:
        yield Plot("figure-3b", "Figure 3b: MACs of MPVSS with the paper's backbones, counted", counted)
    for streams in study.streams:
        if (drawn := accuracy_against_rate(streams.cells)) is not None:
            yield Plot(streams.name, f"{streams.name}: accuracy on show against the rate of the camera", drawn)
    for played in study.schedules:
        if (drawn := accuracy_against_mean_cost(played.cells)) is not None:
            yield Plot(played.name, f"{played.name}: accuracy of key-frame schedules against mean cost", drawn)
    for name, title, draw in PREDICTED_PLOTS:
        figure = draw(study)
        if figure is not None:
            yield Plot(name, title, figure)


def _numbered(name: str, number: int) -> str:
    """The stem of a file: the first has the plain name."""
    return f"{name}-{number + 1}" if number else name


def _run_plots(run: StudyRun) -> Iterator[Plot]:
    for name, title, draw in RUN_PLOTS:
        figure = draw(run)
        if figure is not None:
            yield Plot(f"{run.name}-{name}", f"{run.name}: {title}", figure)
