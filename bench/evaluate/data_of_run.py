"""The data set that a run was measured on, opened again. Imports no torch."""

from __future__ import annotations

from bench.data import Dataset, open_dataset
from bench.data.limit import limit
from bench.runs.records.run import RunRecord
from mpvss.errors import UserError

MADE_UP = ("generated:", "synthetic:")
"""Identities that say how to make the data again."""


def open_data_of(
    about: RunRecord, data: str | None = None, labels: str | None = None, classes: int | None = None
) -> Dataset:
    """The data of a run, as many clips and frames as it used.

    Args:
        about: the run's `run.json`.
        data: as `open_dataset` takes it, and with it `labels` and `classes`; None: data that is made up on the spot.
        labels: folder of label maps, for a folder of frames.
        classes: how many there are, where the data does not say.

    Raises:
        UserError: as `open_dataset`; data that is not the run's.
    """
    configuration = about.configuration
    if data is None and not is_made_up(about):
        raise UserError(f"the run is of {configuration.data}, whose files it does not hold; give the data")
    dataset = limit(
        open_dataset(configuration.data if data is None else data, labels, classes),
        configuration.clips,
        configuration.frames,
    )
    if dataset.identity != configuration.data:
        raise UserError(f"{data} is {dataset.identity}, and the run is of {configuration.data}; give the run's data")
    if list(dataset.class_names) != configuration.classes:
        raise UserError(f"{data} has other classes than the run; give the run's data")
    return dataset


def is_made_up(about: RunRecord) -> bool:
    """Whether the run's data is made up on the spot, so that nobody needs to say where it lies."""
    return about.configuration.data.startswith(MADE_UP) and " " not in about.configuration.data
