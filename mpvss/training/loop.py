"""The training loop: steps, validation, history and checkpoints, with exact resumption."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from mpvss.errors import UserError
from mpvss.training.batch import Batch
from mpvss.training.curves import Curves
from mpvss.training.distributed import Process, mean_over_processes, take_buffers_of_first
from mpvss.training.optimiser import OptimiserOptions, build_optimiser
from mpvss.training.run_state import NAME, DamagedError, load_state, save_state
from mpvss.training.tasks import Task

Precision = Literal["float32", "bfloat16", "float16"]
Row = dict[str, float]
"""A line of a run's history: `step`, the losses (means since the last line), and what validation found."""


@dataclass(frozen=True)
class LoopOptions:
    """The length of a run, and its logging, validation and checkpoint intervals, in steps."""

    steps: int
    optimiser: OptimiserOptions = field(default_factory=OptimiserOptions)
    precision: Precision = "float32"
    seed: int = 0
    log_every: int = 20
    validate_every: int = 5000
    checkpoint_every: int = 1000

    def __post_init__(self) -> None:
        if self.steps < 0 or self.seed < 0:
            raise UserError(f"steps {self.steps} and seed {self.seed} must be 0 or more")
        for name in ("log_every", "validate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        if self.precision not in get_args(Precision):
            raise UserError(f"precision is {self.precision!r}; it must be one of {', '.join(get_args(Precision))}")


class NonFiniteLossError(UserError):
    """A loss is nan or infinite; says at which step, and on which clips."""


@dataclass(frozen=True)
class Hooks:
    """Functions that a run calls."""

    validate: Callable[[], Mapping[str, float]]
    """Measures the model as it is; called by all processes, and gives each the same."""
    resume: Callable[[int], None] = lambda steps: None
    """Told how many steps a resumed run has behind it."""
    advance: Callable[[], None] = lambda: None
    """Told that a step is done."""
    say: Callable[[str], None] = lambda text: None
    """Told, in a sentence, what a reader of the run's output must know."""
    log: Callable[[Sequence[Row]], None] = lambda history: None
    """Given the history so far at each new line, in the first process alone."""


def train(
    task: Task,
    data: Callable[[int], Batch],
    options: LoopOptions,
    hooks: Hooks,
    *,
    folder: Path,
    process: Process,
    identity: str,
) -> list[Row]:
    """Train to the last step, and return the history; what is trained is changed in place.

    `data` gives this process's batch of a step, counted from 0, and is a function of the step alone. `folder` gets
    `checkpoint.pt` and TensorBoard's files. Where it holds a checkpoint, the run resumes from that and ends with the
    weights it would have had uninterrupted; a damaged one is set aside, and the run starts anew. `identity` is what
    must not change between the two.

    Raises:
        NonFiniteLossError: a loss is not finite. Weights and checkpoint are those of the step before.
        UserError: the folder's checkpoint is of a run with another identity, or does not fit the network.
    """
    task.to(process.device).train()
    if process.device.type == "cpu":
        # With channels last, convolutions take a fifth less time.
        task.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = _Run(task, options, folder / NAME, identity, process.device)
    start = _resumed(run, hooks, process)
    if start == 0:
        _seed(options.seed + process.rank)
    hooks.resume(start)
    network = DistributedDataParallel(task) if process.count > 1 else task
    writer = Curves(folder / "tensorboard", start) if process.rank == 0 else None
    sums: dict[str, Tensor] = {name: value.to(process.device) for name, value in run.pending.items()}
    try:
        for step in range(start, options.steps):
            losses = run.step(network, data(step).to(process.device), step)
            sums = {name: sums.get(name, 0) + value for name, value in losses.items()}
            run.pending = sums
            hooks.advance()
            done = step + 1
            last = done == options.steps
            due = last or done % options.validate_every == 0
            if due or done % options.log_every == 0:
                row = _row(done, sums, run)
                if due:
                    take_buffers_of_first(task)
                    with _evaluating(task):
                        row |= hooks.validate()
                run.history.append(row)
                sums = run.pending = {}
                if writer is not None:
                    writer.add(row, done)
                    hooks.log(run.history)
            if last or done % options.checkpoint_every == 0:
                run.save(done)
    finally:
        if writer is not None:
            writer.close()
    return run.history


def _resumed(run: _Run, hooks: Hooks, process: Process) -> int:
    """The steps that the run's checkpoint has behind it. A damaged one is kept under another name."""
    if not run.path.exists():
        return 0
    try:
        return run.resume()
    except DamagedError as error:
        process.wait()  # each has read it
        aside = run.path.with_suffix(".damaged")
        if process.rank == 0:
            run.path.replace(aside)
        hooks.say(f"{error}: it is {aside.name} now, and the run starts anew")
        return 0


class _Run:
    """The parts whose state is kept between steps."""

    def __init__(self, task: Task, options: LoopOptions, path: Path, identity: str, device: torch.device) -> None:
        self.task = task
        self.options = options
        self.path = path
        self.identity = identity
        self.device = device
        self.optimiser = build_optimiser(task.model, options.optimiser)
        self.scaler = torch.amp.GradScaler(device.type, enabled=options.precision == "float16")
        self.history: list[Row] = []
        self.pending: dict[str, Tensor] = {}
        """Sums of losses that no line of the history holds yet."""

    def step(self, network: torch.nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """One update; the losses, as this process has them."""
        with self._precision():
            losses = network(batch)
        total = torch.stack(list(losses.values())).sum()
        if not total.isfinite():
            values = ", ".join(f"{name} {float(value.detach()):g}" for name, value in losses.items())
            raise NonFiniteLossError(
                f"the loss is not finite at step {step + 1} ({values}); its clips are {', '.join(batch.names)}"
            )
        for group in self.optimiser.param_groups:
            group["lr"] = group["initial_lr"] * self.options.optimiser.decay(step, self.options.steps)
        self.optimiser.zero_grad()
        self.scaler.scale(total).backward()
        self.scaler.unscale_(self.optimiser)
        parameters = [parameter for group in self.optimiser.param_groups for parameter in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.options.optimiser.clip_norm, foreach=True)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return {name: value.detach() for name, value in losses.items()}

    def save(self, done: int) -> None:
        """Write the state after `done` steps."""
        save_state(
            self.path,
            {
                "identity": self.identity,
                "done": done,
                "model": self.task.model.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "scaler": self.scaler.state_dict(),
                "history": self.history,
                "pending": self.pending,
            },
        )

    def resume(self) -> int:
        """Take up the state in the file; how many steps are done."""
        state: dict[str, Any] = load_state(self.path)
        if state["identity"] != self.identity:
            raise UserError(
                f"{self.path} is of a run with another configuration; give its configuration, or another folder"
            )
        try:
            self.task.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.scaler.load_state_dict(state["scaler"])
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
            reason = str(error).partition("\n")[0]
            raise UserError(f"{self.path} does not fit this run ({reason}); remove it to start anew") from error
        self.history, self.pending = state["history"], state["pending"]
        return state["done"]

    def _precision(self):
        if self.options.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, getattr(torch, self.options.precision))


@contextmanager
def _evaluating(task: Task) -> Iterator[None]:
    """Evaluation mode for a while."""
    task.eval()
    try:
        yield
    finally:
        task.train()


def _row(done: int, sums: Mapping[str, Tensor], run: _Run) -> Row:
    """The losses' means since the last line, over all processes."""
    since = done - int(run.history[-1]["step"] if run.history else 0)
    row: Row = {"step": float(done)}
    for name, value in sums.items():
        row[f"loss/{name}"] = float(mean_over_processes(value)) / since
    row["lr"] = run.optimiser.param_groups[0]["lr"]
    return row


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (libraries draw from it)
    torch.manual_seed(seed)
