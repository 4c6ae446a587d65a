"""The loop: resumption, distribution, what stops it, and what it writes."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import OPTIONS, gradients, make_sampler, make_task, run

from mpvss.errors import UserError
from mpvss.training.curves import Curves
from mpvss.training.distributed import Process, joined_processes
from mpvss.training.loop import Hooks, LoopOptions, NonFiniteLossError, train
from mpvss.training.optimiser import OptimiserOptions, build_optimiser

TINY = Path(__file__).with_name("tiny.py")


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, TINY, *map(str, arguments)], env={**os.environ, "OMP_NUM_THREADS": "1", **environment}
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    return folder, *run(folder)


def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(uninterrupted, tmp_path):
    """Killed at step 7 of 8 with the last checkpoint at 6, in the middle of a line of the history."""
    assert start(tmp_path, 7).wait() == -signal.SIGKILL
    assert not (tmp_path / ".checkpoint.pt.tmp").exists()
    task, history = run(tmp_path)
    _, expected, expected_history = uninterrupted
    for name, value in expected.model.state_dict().items():
        assert torch.equal(task.model.state_dict()[name], value), name
    assert history == expected_history  # with numbers that validation drew at random
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("lr")] == [2, 4, 6, 8]


def test_history_and_tensorboard_hold_every_line(uninterrupted):
    folder, _, history = uninterrupted
    assert [row["step"] for row in history] == [2, 4, 6, 8]
    assert [row["step"] for row in history if "drawn" in row] == [4, 8]
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    for name in ("loss/class", "loss/mask", "loss/dice", "lr"):
        assert [event.step for event in events.Scalars(name)] == [2, 4, 6, 8]
        assert [event.value for event in events.Scalars(name)] == pytest.approx([row[name] for row in history])
    assert [row["lr"] for row in history] == pytest.approx([1e-3 * (1 - step / 8) ** 0.9 for step in (1, 3, 5, 7)])


def test_events_files_that_are_opened_at_once_are_read_in_order(tmp_path):
    """The later one takes the place of the steps it repeats, though both could have been opened in one second."""
    for start, value in ((0, 1.0), (2, 2.0)):
        curves = Curves(tmp_path, start)
        for step in range(start + 1, 5):
            curves.add({"lr": value}, step)
        curves.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("lr")] == [(1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0)]


def test_two_processes_have_the_gradients_of_one(tmp_path):
    """Batches of 4 each, in which unequal parts of the labels are ignored, against one of 8."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [start(tmp_path, "gradients", RANK=str(rank), LOCAL_RANK=str(rank), **world) for rank in range(2)]
    alone = Process(0, 1, torch.device("cpu"))
    expected = {method: gradients(method, alone) for method in ("per-frame", "mpvss")}
    try:
        assert [process.wait(timeout=60) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    for method, ours in expected.items():
        for rank in range(2):
            theirs = torch.load(tmp_path / f"{method}-{rank}.pt")
            assert theirs.keys() == ours.keys()
            for name, value in ours.items():
                torch.testing.assert_close(theirs[name], value, rtol=1e-3, atol=1e-5 * float(value.abs().max()) + 1e-8)


def test_a_loss_that_is_not_finite_stops_the_run_with_step_and_clips(tmp_path):
    def spoil(step, batch):
        return replace(batch, frames=batch.frames * torch.nan) if step == 4 else batch

    with pytest.raises(NonFiniteLossError, match=r"at step 5 \(class nan.*clips are noise\[\d\], noise\[\d\]"):
        run(tmp_path, spoil=spoil)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["done"] == 3


def test_another_configuration_is_refused(uninterrupted):
    folder, *_ = uninterrupted
    with pytest.raises(ValueError, match="another configuration"):
        train(
            make_task(),
            lambda step: make_sampler().batch(step, [0]),
            OPTIONS,
            Hooks(dict),
            folder=folder,
            process=Process(0, 1, torch.device("cpu")),
            identity="non-key",
        )


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains(precision, tmp_path):
    options = replace(OPTIONS, steps=2, precision=precision)
    task, history = run(tmp_path, options=options)
    assert all(parameter.isfinite().all() for parameter in task.model.parameters())
    assert history[-1]["loss/class"] > 0


def test_no_steps_leave_everything_as_it_is(tmp_path):
    task, history = run(tmp_path, options=replace(OPTIONS, steps=0))
    assert history == []
    for name, value in make_task().model.state_dict().items():
        assert torch.equal(task.model.state_dict()[name], value)


def test_norms_and_embeddings_are_not_decayed():
    task = make_task("mpvss").train()
    optimiser = build_optimiser(task.model, OptimiserOptions(lr=1.0, backbone_lr_factor=0.1))
    decay = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    trained = {name: p for name, p in task.model.named_parameters() if p.requires_grad}
    assert len(decay) == len(trained)
    for name, parameter in trained.items():
        plain = "norm" in name or "query_embed" in name or "level_embed" in name
        assert decay[id(parameter)] == (0 if plain else 0.05), name


def test_the_backbones_learning_rate_is_a_share_of_the_others():
    task = make_task("per-frame")
    optimiser = build_optimiser(task.model, OptimiserOptions(lr=1.0, backbone_lr_factor=0.1))
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    for name, parameter in task.model.named_parameters():
        assert rate[id(parameter)] == pytest.approx(0.1 if name.startswith("backbone.") else 1.0)


def test_a_checkpoint_that_does_not_fit_the_network_is_refused(tmp_path):
    run(tmp_path, options=replace(OPTIONS, steps=1))
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    content["model"].popitem()
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match=r"checkpoint\.pt does not fit this run \(Error.*; remove it to start anew"):
        run(tmp_path)


def test_a_frozen_model_is_refused():
    with pytest.raises(ValueError, match="nothing is to be trained"):
        build_optimiser(torch.nn.Linear(2, 2).requires_grad_(False), OptimiserOptions())


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"precision": "float8"}, {"log_every": 0}, {"validate_every": 0}])
def test_impossible_loops_are_refused(wrong, without_shape_checks):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LoopOptions(**{"steps": 1, **wrong})


@pytest.mark.parametrize("wrong", [{"lr": 0.0}, {"clip_norm": 0.0}, {"weight_decay": -1.0}, {"power": -1.0}])
def test_impossible_optimisers_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OptimiserOptions(**wrong)


def test_a_batch_that_does_not_divide_is_refused():
    with joined_processes(torch.device("cpu")) as process:
        assert process.share(5) == range(5)
    assert Process(1, 2, torch.device("cpu")).share(8) == range(4, 8)
    with pytest.raises(ValueError, match="a batch of 5 does not divide among 2"):
        Process(1, 2, torch.device("cpu")).share(5)
