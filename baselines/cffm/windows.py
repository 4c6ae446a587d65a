"""Windows of a map, and which tokens the queries of each window attend to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mpvss.layers import made_once

WINDOW = 7
"""Tokens of the target's map on a side of a window."""
TOKENS = WINDOW * WINDOW
SHIFT = WINDOW // 2
"""How far the map is rolled to bring a window's neighbours into it."""


@dataclass(frozen=True)
class Pooled:
    """A frame's map pooled to a coarser grid, and the square of that grid that a window sees."""

    pool: int
    """Map tokens on a side of those that become one."""
    per_window: int
    """Pooled tokens on a side of a window."""
    seen: int
    """Pooled tokens on a side of the square that a window's queries attend to."""
    margin: int
    """How many rows and columns before the window's own that square begins."""

    @property
    def side(self) -> int:
        """Tokens on a side of a window in the map that is pooled; another number than `WINDOW` means resizing."""
        return self.pool * self.per_window


TARGET = Pooled(pool=7, per_window=1, seen=5, margin=2)
REFERENCES = (
    Pooled(pool=7, per_window=1, seen=7, margin=3),
    Pooled(pool=3, per_window=2, seen=5, margin=2),
    Pooled(pool=2, per_window=3, seen=3, margin=1),
)
"""From the earliest reference to the latest: the nearer in time, the finer and the narrower."""
LEVELS = (TARGET, *REFERENCES)


def neighbours() -> list[tuple[int, int]]:
    """Row and column, from the window's corner, of the 132 tokens around a window that its queries see one by one.

    They are the parts outside the window of four windows, each shifted by `SHIFT` both ways. Where two of those
    overlap, a token comes twice, each time with a bias of its own.
    """
    found = []
    for rows, columns in ((SHIFT, SHIFT), (SHIFT, -SHIFT), (-SHIFT, SHIFT), (-SHIFT, -SHIFT)):
        shifted = [(row + rows, column + columns) for row in range(WINDOW) for column in range(WINDOW)]
        found += [at for at in shifted if not all(0 <= place < WINDOW for place in at)]
    return found


NEIGHBOURS = len(neighbours())


def pad_to_windows(x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b ph pw d"]:
    """Zeros at the bottom and right up to whole windows."""
    return F.pad(x, (0, 0, 0, -x.shape[2] % WINDOW, 0, -x.shape[1] % WINDOW))


@made_once
@torch.inference_mode(False)  # what is kept must serve training too
def seen_tokens(rows: int, columns: int, device: torch.device) -> tuple[Int[Tensor, "n k"], Bool[Tensor, "n k"]]:
    """Which tokens each of the rows x columns windows attends to, and which of those lie outside their grid.

    Tokens are numbered through the target's map, row by row, then each of `LEVELS`. The order of a window's is: its
    own, its neighbours, and its square of each level. Neighbours are cyclic: a window at the border sees the
    opposite one. A square's tokens outside the grid have the number of the last token plus one.
    """
    corner_rows, corner_columns = (
        WINDOW * torch.arange(count).view(shape) for count, shape in ((rows, (-1, 1, 1)), (columns, (1, -1, 1)))
    )
    own = [(row, column) for row in range(WINDOW) for column in range(WINDOW)]
    offsets = torch.tensor(own + neighbours())
    row = (corner_rows + offsets[:, 0]) % (rows * WINDOW)
    column = (corner_columns + offsets[:, 1]) % (columns * WINDOW)
    numbers = [(row * columns * WINDOW + column).flatten(0, 1)]
    outside = [torch.zeros_like(numbers[0], dtype=torch.bool)]
    first = rows * columns * TOKENS
    last = first + sum(rows * columns * level.per_window**2 for level in LEVELS)
    for level in LEVELS:
        height, width = rows * level.per_window, columns * level.per_window
        square = torch.arange(level.seen) - level.margin
        row = (level.per_window * torch.arange(rows)[:, None] + square)[:, None, :, None]
        column = (level.per_window * torch.arange(columns)[:, None] + square)[None, :, None, :]
        beyond = (row < 0) | (row >= height) | (column < 0) | (column >= width)
        number = torch.where(beyond, last, first + row * width + column)
        numbers.append(number.flatten(0, 1).flatten(1))
        outside.append(beyond.flatten(0, 1).flatten(1))
        first += height * width
    return torch.cat(numbers, dim=1).to(device), torch.cat(outside, dim=1).to(device)


@made_once
@torch.inference_mode(False)  # what is kept must serve training too
def relative_positions(seen: int, device: torch.device) -> Int[Tensor, "q k"]:
    """The place in a table of (WINDOW + seen − 1)² biases of each pair of a query and a token of a square."""
    queries, keys = torch.arange(WINDOW)[:, None], torch.arange(seen)
    apart = queries - keys + seen - 1
    place = apart[:, None, :, None] * (WINDOW + seen - 1) + apart[None, :, None, :]
    return place.flatten(2).flatten(0, 1).to(device)
