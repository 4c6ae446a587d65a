"""Pairs made from one labelled still: the key frame is the still as it might have looked some frames earlier.

The camera pans, drives, rolls, tilts and shakes, and some labelled objects move by themselves. What an object hides
in the still, and the key frame shows, is filled from its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float32, UInt8
from scipy import ndimage

from mpvss.labels import IGNORE

Field = Float32[np.ndarray, "2 h w"]
"""The place in the still (x, then y, in pixels) that holds the content of each pixel of the key frame."""


# How a scene may have moved, per frame of distance unless said otherwise: for a camera on a vehicle at 15 to 30 frames
# a second. Shares are of the frame's width unless said otherwise.
PAN = 0.004
"""Standard deviation of the turn to the side, a share; up and down it is a quarter of that."""
DRIVE = 0.02
"""The most by which the camera comes nearer, as a share of a thing's distance."""
ROLL = 0.001
"""Standard deviation of the camera's roll, in radians."""
SHAKE = 0.002
"""Standard deviation of the shake, a share, whatever the distance."""
SPEED = 0.06
"""Standard deviation of an object's own motion, as a share of its size."""
REGION = (0.0003, 0.1)
"""The least and the greatest share of the frame's area that an object fills."""


@dataclass(frozen=True)
class StillMotion:
    """Makes key frames of stills.

    `moving` are the classes whose connected regions may move by themselves; None: all.
    """

    moving: tuple[int, ...] | None = None

    def key_frame(
        self,
        image: UInt8[np.ndarray, "3 h w"],
        labels: UInt8[np.ndarray, "h w"],
        distance: int,
        rng: np.random.Generator,
    ) -> tuple[UInt8[np.ndarray, "3 h w"], UInt8[np.ndarray, "h w"]]:
        """The still and its labels as they might have been `distance` frames earlier."""
        camera = self._camera(labels.shape, distance, rng)
        objects = [one for one in self._regions(labels) if rng.integers(2)]
        behind = image, labels
        if objects:
            # The still without them and their outlines: each of their pixels as the nearest other one.
            hidden = ndimage.binary_dilation(np.logical_or.reduce(objects), iterations=2)
            _, (rows, columns) = ndimage.distance_transform_edt(hidden, return_indices=True)  # type: ignore[misc]
            behind = image[:, rows, columns], labels[rows, columns]
        seen, seen_labels = _read(behind[0], camera), _read_nearest(behind[1], camera)
        for one in objects:
            at = self._own_motion(one, camera, distance, rng)
            # The frame is mirrored beyond its border, the object is not.
            share = _read(one[None].astype(np.float32), at) * _inside(at, labels.shape)
            for box in ndimage.find_objects((share[0] > 0).astype(np.uint8)):  # none where it has left
                window = (slice(None), *box)
                seen[window] = share[window] * _read(image, at[window]) + (1 - share[window]) * seen[window]
                there = share[0][box] >= 0.5
                seen_labels[box] = np.where(there, _read_nearest(labels, at[window]), seen_labels[box])
        return np.rint(seen).clip(0, 255).astype(np.uint8), seen_labels

    def _camera(self, size: tuple[int, ...], distance: int, rng: np.random.Generator) -> Field:
        height, width = size
        y, x = np.mgrid[:height, :width].astype(np.float32)
        # Nearer where the ground is and to the sides, and uneven.
        focus_x, focus_y = width * rng.normal(0.5, 0.05), height * rng.normal(0.45, 0.05)
        away_x, away_y = (x - focus_x) / width, (y - focus_y) / height
        nearness = (0.4 + np.maximum(away_y, 0) + 0.5 * np.abs(away_x)) * np.exp(0.3 * _smooth_noise(size, rng))
        driven = rng.uniform(0, DRIVE) * (rng.random() < 0.8)  # it also stands
        share = (distance * driven * nearness).clip(max=0.4)
        zoom = share / (1 - share)
        turn_x, turn_y = distance * PAN * rng.normal(0, (1, 0.25)) + rng.normal(0, SHAKE, 2)
        roll = distance * ROLL * rng.normal()
        # Turning by an angle moves the sides more than the middle: a slight perspective.
        bend = 1 + away_x**2
        field = np.stack(
            (
                x + zoom * (x - focus_x) + width * turn_x * bend - roll * (y - focus_y),
                y + zoom * (y - focus_y) + width * (turn_y + turn_x * away_x * away_y) + roll * (x - focus_x),
            )
        )
        return field.astype(np.float32)

    def _regions(self, labels: UInt8[np.ndarray, "h w"]) -> list[Bool[np.ndarray, "h w"]]:
        """The regions that may move, from far to near: the lower one ends, the nearer it is.

        What the border cuts stays where it is: moved, it would end in the middle of the frame.
        """
        least, greatest = (share * labels.size for share in REGION)
        present = [number for number in np.unique(labels) if number != IGNORE]
        found = []
        for number in present if self.moving is None else sorted(set(present) & set(self.moving)):
            parts, _ = ndimage.label(labels == number)  # type: ignore[misc]
            for part, box in enumerate(ndimage.find_objects(parts), 1):
                region = parts == part
                cut = any(side.start == 0 or side.stop == end for side, end in zip(box, labels.shape, strict=True))
                if not cut and least <= np.count_nonzero(region[box]) <= greatest:
                    found.append((box[0].stop, region))
        return [region for _, region in sorted(found, key=lambda item: item[0])]

    def _own_motion(
        self, region: Bool[np.ndarray, "h w"], camera: Field, distance: int, rng: np.random.Generator
    ) -> Field:
        """The camera's motion, and the region's own: it moves, mostly sideways, and comes nearer or goes away."""
        ((rows, columns),) = ndimage.find_objects(region.astype(np.uint8))
        centre = np.array([columns.start + columns.stop - 1, rows.start + rows.stop - 1], np.float32)[:, None, None] / 2
        size = np.sqrt((rows.stop - rows.start) * (columns.stop - columns.start))
        moved = np.sqrt(distance * 3) * SPEED * size * rng.normal(0, (1, 0.3))
        nearer = np.exp(np.sqrt(distance) * 0.25 * SPEED * rng.normal())
        return (nearer * (camera - centre) + centre + moved[:, None, None]).astype(np.float32)


def _smooth_noise(size: tuple[int, ...], rng: np.random.Generator) -> Float32[np.ndarray, "h w"]:
    """A smooth field of standard deviation 1 or less, its waves as long as half the frame."""
    coarse = torch.from_numpy(rng.normal(size=(1, 1, 4, 4)).astype(np.float32))
    return F.interpolate(coarse, tuple(size), mode="bicubic", align_corners=True)[0, 0].numpy()


def _read(image: np.ndarray, at: Field) -> Float32[np.ndarray, "c h w"]:
    """The image at places, bilinearly, mirrored beyond its border."""
    height, width = image.shape[1:]
    grid = torch.from_numpy((at + 0.5) * np.array([2 / width, 2 / height], np.float32)[:, None, None] - 1)
    source = torch.from_numpy(np.ascontiguousarray(image))[None].float()
    return F.grid_sample(source, grid.permute(1, 2, 0)[None], padding_mode="reflection", align_corners=False)[0].numpy()


def _read_nearest(labels: UInt8[np.ndarray, "lh lw"], at: Field) -> UInt8[np.ndarray, "h w"]:
    """The labels at places; `IGNORE` beyond the border."""
    height, width = labels.shape
    x, y = np.rint(at).astype(np.int64)
    return np.where(_inside(at, labels.shape), labels[y.clip(0, height - 1), x.clip(0, width - 1)], np.uint8(IGNORE))


def _inside(at: Field, size: tuple[int, ...]) -> Bool[np.ndarray, "h w"]:
    height, width = size
    return (at[0] >= -0.5) & (at[0] < width - 0.5) & (at[1] >= -0.5) & (at[1] < height - 0.5)
