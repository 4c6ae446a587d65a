"""Kits for worker processes: stand-in methods, of which some end their process, or fail in one clip."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import torch
from harness_fakes import Network, Wandering, fake_build, small_data

from bench.data import Dataset
from bench.evaluate.memo import Memo
from bench.methods.builder import Built
from bench.sweep.crew_worker import Kit

CPU = torch.device("cpu")


def data() -> Dataset:
    """Six clips of 9, 12, 15, 9, 18 and 6 frames."""
    lengths = (9, 12, 15, 9, 18, 6)
    whole = small_data(clips=len(lengths))
    clips = zip(whole.clips, lengths, strict=True)
    return replace(whole, clips=tuple(_shortened(clip, length) for clip, length in clips))


def _shortened(clip, length):
    def read():
        for _, frame in zip(range(length), clip.read(), strict=False):
            yield frame

    return replace(clip, read=read, num_frames=length)


def kit(number: int) -> Kit:
    return Kit(data(), fake_build, CPU)


class Mortal(Wandering):
    """Kills its process at the frame that is the first of clip 2, as often as the file says, by one byte each."""

    def __init__(self, network: Network, lives: Path, first: torch.Tensor) -> None:
        super().__init__(network)
        self._lives = lives
        self._first = first

    def segment(self, frame):
        left = len(self._lives.read_bytes())
        if left and torch.equal(frame, self._first):
            self._lives.write_bytes(b"x" * (left - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().segment(frame)


class Refusing(Wandering):
    """Raises at the first frame of clip 2."""

    def __init__(self, network: Network, first: torch.Tensor) -> None:
        super().__init__(network)
        self._first = first

    def segment(self, frame):
        if torch.equal(frame, self._first):
            raise RuntimeError("not this one")
        return super().segment(frame)


def dangerous_build(lives: Path, methods, backbone) -> Built:
    """Methods `mortal`, `refusing` and `wander`."""
    memo = Memo()
    network = Network(memo)
    first = torch.from_numpy(next(iter(data().clips[2].frames())).image)
    makers = {
        "mortal": lambda: Mortal(network, lives, first),
        "refusing": lambda: Refusing(network, first),
        "wander": lambda: Wandering(network),
    }
    return Built({method: makers[method]() for method in methods}, dict.fromkeys(methods, "untrained"), memo=memo)


def dangerous_kit(lives: Path, number: int) -> Kit:
    return Kit(data(), lambda methods, backbone: dangerous_build(lives, methods, backbone), CPU)


def unreadable_kit(number: int) -> Kit:
    """Clip 3 changes its size midway."""
    whole = data()

    def read():
        for index, frame in enumerate(whole.clips[3].read()):
            yield replace(frame, image=frame.image[:, :20], labels=None) if index == 2 else frame

    clips = [*whole.clips]
    clips[3] = replace(clips[3], read=read)
    return Kit(replace(whole, clips=tuple(clips)), fake_build, CPU)
