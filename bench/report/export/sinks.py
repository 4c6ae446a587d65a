"""The figures of cells in the stores of experiment trackers, on disk alone: nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from bench.report.export.figures import Cell
from bench.report.export.packages import optional
from bench.runs.files import file_name, make_folder
from mpvss.errors import UserError

PROJECT = "mpvss-bench"
STORE = "mlflow.db"
Sink = Callable[[Sequence[Cell], Path], None]
"""Writes cells into a folder that is there."""


def to_tensorboard(cells: Sequence[Cell], folder: Path) -> None:
    """Scalars over the key-frame interval, which is the step; a TensorBoard run for each run, backbone and method."""
    summary = optional("tensorboard.summary", "tensorboard")
    for (run, backbone, method), group in groupby(sorted(cells, key=_series), key=_series):
        place = folder / file_name(run) / f"{file_name(backbone)}--{file_name(method)}"
        for older in place.glob("events.out.tfevents.*"):
            older.unlink()  # else both would be drawn as one run
        writer = summary.Writer(str(place))
        for cell in sorted(group, key=lambda cell: cell.interval):
            for name, value in _named(cell).items():
                writer.add_scalar(name, value, cell.interval)
        writer.close()


def to_wandb(cells: Sequence[Cell], folder: Path) -> None:
    """A Weights & Biases run for each cell, in offline mode, in addition to earlier ones; `wandb sync` uploads them."""
    wandb = optional("wandb", "wandb")
    for cell in cells:
        run = wandb.init(
            project=PROJECT,
            name=_title(cell),
            group=cell.run,
            config=_settings(cell),
            mode="offline",
            dir=str(folder),
            settings={"silent": True},
        )
        run.log(_named(cell))
        run.finish()


def to_mlflow(cells: Sequence[Cell], folder: Path) -> None:
    """An MLflow run for each cell, in addition to earlier ones, in a store on disk.

    `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db` shows it.
    """
    folder = folder.resolve()
    client = optional("mlflow.tracking", "mlflow").MlflowClient(tracking_uri=f"sqlite:///{folder / STORE}")
    for name, group in groupby(sorted(cells, key=lambda cell: cell.run), key=lambda cell: cell.run):
        known = client.get_experiment_by_name(name)
        if known is None:
            place = (folder / "artifacts").as_uri()  # else it would be in the present folder
            experiment = client.create_experiment(name, artifact_location=place)
        else:
            experiment = known.experiment_id
        for cell in group:
            run = client.create_run(experiment, run_name=_title(cell)).info.run_id
            for key, value in _settings(cell).items():
                client.log_param(run, key, value)
            for key, value in _named(cell).items():
                client.log_metric(run, _plain(key), value)
            client.set_terminated(run)


SINKS: dict[str, Sink] = {"tensorboard": to_tensorboard, "wandb": to_wandb, "mlflow": to_mlflow}
"""Every sink by the name of its package, its extra and its folder."""


def write_sink(name: str, cells: Sequence[Cell], out: Path) -> Path:
    """Write cells for a tracker into the folder of its name; the folder.

    Raises:
        UserError: its package is not installed, or there is no cell.
    """
    if not cells:
        raise UserError(f"there is nothing for {name}: the runs have no cell with a figure")
    make_folder(out / name)
    SINKS[name](cells, out / name)
    return out / name


def _series(cell: Cell) -> tuple[str, str, str]:
    return cell.run, cell.backbone, cell.method


def _title(cell: Cell) -> str:
    return f"{cell.method}, {cell.backbone}, interval {cell.interval}"


def _named(cell: Cell) -> dict[str, float]:
    return {column.header: value for column, value in cell.figures.items()}


def _plain(name: str) -> str:
    """A name without the characters that MLflow refuses."""
    return name.replace("(%)", "percent").replace("(", "").replace(")", "").replace(",", "")


def _settings(cell: Cell) -> dict[str, str | int]:
    settings = {
        "run": cell.run,
        "data": cell.data,
        "backbone": cell.backbone,
        "method": cell.method,
        "interval": cell.interval,
        "weights": str(cell.row["weights"]),
    }
    return settings | ({"times on": cell.machine} if cell.machine else {})
