"""A scene from a seed: its frames, their labels, and the flow between any two of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float32

from bench.data.clip import Frame
from bench.data.synthetic.affine import Affine
from bench.data.synthetic.camera import FRAMES_A_TICK
from bench.data.synthetic.finish import Finish
from bench.data.synthetic.render import Painting, backward_flow, paint
from bench.data.synthetic.room import make_room
from bench.data.synthetic.stage import Place
from bench.data.synthetic.street import make_street
from mpvss.errors import UserError

SMALLEST = 32
"""The smallest height and width of a frame, in pixels."""


class Scene:
    """The content of a synthetic clip. A frame follows from the seed and its number alone; there is no last one.

    Args:
        seed: an even one gives a street, an odd one a room.
        size: of the frames, height and width in pixels. Another size shows another scene, since textures differ.

    Raises:
        UserError: a seed under 0, a size under 32.

    """

    def __init__(self, seed: int, size: tuple[int, int] = (192, 320)) -> None:
        if seed < 0:
            raise UserError(f"the seed of a scene is {seed}; it must be 0 or more")
        if min(size) < SMALLEST:
            raise UserError(f"a scene of {size[0]}x{size[1]} pixels; height and width must be {SMALLEST} or more")
        rng = np.random.Generator(np.random.PCG64((seed, 0)))
        self.size = size
        self._seed = seed
        self._layers, self._camera = (make_room if seed % 2 else make_street)(rng, size)
        self._finish = Finish.random(rng)
        self._painted = lru_cache(maxsize=2)(self._paint)  # a frame, and the flow to it, ask for the same

    def frame(self, index: int) -> Frame:
        """The frame with that number, from 0, labelled on every pixel.

        Raises:
            UserError: a number under 0.

        """
        painting = self.painting(index)
        rng = np.random.Generator(np.random.PCG64((self._seed, 1, index)))
        return Frame(
            self._finish.apply(painting.image(), index / FRAMES_A_TICK, rng), painting.labels(), f"{index:06d}"
        )

    def flow(self, from_index: int, to_index: int) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
        """Flow from frame `from_index` to `to_index` in pixels, x then y, and which pixels are occluded there.

        Args:
            from_index: the frame whose pixels are asked about.
            to_index: the frame in which they are looked for; the key frame, in use an earlier one.

        Returns:
            The backward flow: what is at p came from p + flow(p). And where it was covered, outside the frame, or not
            yet there.

        """
        now, key = self.painting(from_index), self.painting(to_index)
        now_places = self._places(from_index)
        key_places = self._places(to_index, [place.life for place in now_places])
        return backward_flow(now.layers, key.layers, _matrices(now_places), _matrices(key_places))

    def painting(self, index: int) -> Painting:
        """A frame before light, blur and noise."""
        if index < 0:
            raise UserError(f"frame {index}; frames are counted from 0")
        return self._painted(index)

    def _paint(self, index: int) -> Painting:
        places = self._places(index)
        order = sorted(range(len(places)), key=lambda number: -places[number].depth)
        shadows = [place.shadow for place in places]
        return paint(self.size, [layer.sprite for layer in self._layers], _matrices(places), order, shadows)

    def _places(self, index: int, lives: list[int] | None = None) -> list[Place]:
        time = index / FRAMES_A_TICK
        view = self._camera.at(time)
        return [
            layer.place(time, view, None if lives is None else lives[number])
            for number, layer in enumerate(self._layers)
        ]


def _matrices(places: list[Place]) -> list[Affine]:
    return [place.matrix for place in places]
