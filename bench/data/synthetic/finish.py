"""A camera's picture of painted colours: changing light, blur and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from bench.data.synthetic.affine import Number
from bench.data.synthetic.camera import Wave, random_wave


@dataclass(frozen=True)
class Finish:
    """How a clip is lit and taken.

    Attributes:
        tint: factors of red, green and blue.
        light: swings about the mean brightness; a share.
        flicker: a faster such wave.
        cloud: a shadow that moves across; a share.
        blur: swings about a share of 0.6 of a binomial blur of three pixels each way.
        noise: the most that noise adds or takes, in grey levels.

    """

    tint: tuple[Number, Number, Number]
    light: Wave
    flicker: Wave
    cloud: Wave
    blur: Wave
    noise: Number

    @classmethod
    def random(cls, rng: np.random.Generator) -> Finish:
        """A random light and camera."""
        bright = float(rng.uniform(0.72, 1.12))
        red, green, blue = (bright * float(rng.uniform(0.92, 1.08)) for _ in range(3))
        return cls(
            tint=(red, green, blue),
            light=random_wave(rng, float(rng.uniform(0.02, 0.16)), 25, 60),
            flicker=random_wave(rng, float(rng.uniform(0, 0.03)), 2.5, 6),
            cloud=random_wave(rng, float(rng.uniform(0, 0.22)), 40, 90),
            blur=random_wave(rng, float(rng.uniform(0.05, 0.35)), 12, 40),
            noise=float(rng.uniform(4, 22)),
        )

    def apply(
        self, image: Float32[np.ndarray, "3 h w"], time: Number, rng: np.random.Generator
    ) -> UInt8[np.ndarray, "3 h w"]:
        """The picture that the camera takes at a moment; `rng` is for the noise of this frame."""
        height, width = image.shape[1:]
        across = np.array([self.cloud.at(time + 20 * column / width) for column in range(width)], np.float32)
        gain = (1 + self.light.at(time) + self.flicker.at(time)) * np.array(self.tint)
        lit = image * (gain[:, None, None].astype(np.float32) * (1 + across))
        lit = soften(lit, 0.6 + self.blur.at(time))
        dice = rng.integers(0, 256, (2, 3, height, width), np.uint8).astype(np.float32)
        lit += (dice[0] + dice[1] - 255) * np.float32(self.noise / 255)
        return (lit + np.float32(0.5)).clip(0, 255).astype(np.uint8)


def soften(image: Float32[np.ndarray, "3 h w"], share: Number) -> Float32[np.ndarray, "3 h w"]:
    """The image blurred by `share`, from 0 (unchanged) to 1 (binomial over three pixels each way); edges repeat."""
    blurred = _binomial(_binomial(image).transpose(0, 2, 1)).transpose(0, 2, 1)
    return image + np.float32(share) * (blurred - image)


def _binomial(image: Float32[np.ndarray, "3 a b"]) -> Float32[np.ndarray, "3 a b"]:
    """The rows averaged with weights 1/4, 1/2, 1/4; edges repeat."""
    padded = np.concatenate([image[:, :1], image, image[:, -1:]], axis=1)
    return (padded[:, :-2] + padded[:, 2:]) * np.float32(0.25) + image * np.float32(0.5)
