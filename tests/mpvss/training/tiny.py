"""A tiny training run in a process of its own: `python tiny.py FOLDER [KILL_AT]`; KILL_AT is a step.

Started by torchrun's variables with `gradients` in place of a step, it writes its gradients of one batch instead.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from bench.methods import build
from mpvss.training.augment import Augmentation
from mpvss.training.distributed import joined_processes
from mpvss.training.loop import Hooks, LoopOptions, train
from mpvss.training.losses import SegmentationCriterion
from mpvss.training.optimiser import OptimiserOptions
from mpvss.training.pairs import Sampler
from mpvss.training.tasks import PropagationTask, SegmentationTask

CLASSES = 5
OPTIONS = LoopOptions(
    steps=8, optimiser=OptimiserOptions(lr=1e-3), seed=3, log_every=2, validate_every=4, checkpoint_every=3
)


class NoiseClip:
    name = "noise"
    labelled = range(6)

    def frame(self, index):
        rng = np.random.default_rng(index)
        labels = rng.integers(0, CLASSES, (4, 4), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
        labels[: 8 * index] = 255  # of some frames more counts than of others
        return rng.integers(0, 256, (3, 64, 64), dtype=np.uint8), labels

    def flow(self, index, key):
        return None


def make_task(method="per-frame"):
    torch.manual_seed(0)
    model = build(method, backbone="nano", num_classes=CLASSES)
    criterion = SegmentationCriterion(points=50)
    return SegmentationTask(model.segmentor, criterion) if method == "per-frame" else PropagationTask(model, criterion)


def make_sampler(max_distance=None):
    return Sampler([NoiseClip()], Augmentation((64, 64)), max_distance, seed=1)


def run(folder, kill_at=None, options=OPTIONS, batch=2, spoil=None):
    """Train; the task and the history. `kill_at`: the process kills itself there. `spoil` changes batches."""
    task, sampler = make_task(), make_sampler()
    with joined_processes(torch.device("cpu")) as process:

        def data(step):
            if step == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            example = sampler.batch(step, process.share(batch))
            return example if spoil is None else spoil(step, example)

        hooks = Hooks(validate=lambda: {"drawn": float(torch.rand(()))})
        return task, train(task, data, options, hooks, folder=Path(folder), process=process, identity="tiny")


def gradients(method, process):
    """A process's gradients of one batch of 8, by parameter."""
    task = make_task(method).train()
    batch = make_sampler(None if method == "per-frame" else 3).batch(0, process.share(8))
    network = DistributedDataParallel(task) if process.count > 1 else task
    torch.stack(list(network(batch).values())).sum().backward()
    return {name: p.grad for name, p in task.model.named_parameters() if p.grad is not None}


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[2] == "gradients":
        with joined_processes(torch.device("cpu")) as joined:
            for name in ("per-frame", "mpvss"):
                torch.save(gradients(name, joined), Path(sys.argv[1]) / f"{name}-{joined.rank}.pt")
    else:
        run(sys.argv[1], int(sys.argv[2]))
