"""A network of the library as a segmentor of one image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.library.heads import Head
from baselines.library.preparation import Preparation, normalise
from baselines.library.windows import cut, merge
from baselines.scores import ScorePrediction
from mpvss.labels import check_num_classes
from mpvss.sharing import SharedResults, shareable
from mpvss.stages import stage
from mpvss.video import frame_size


class LibrarySegmentor(nn.Module):
    """A network of the library, with its image processor before it and its post-processing after it."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        model: nn.Module,
        *,
        num_classes: int,
        preparation: Preparation,
        head: Head,
        inputs: Mapping[str, Tensor] | None = None,
        shared: SharedResults | None = None,
    ) -> None:
        """Wrap a network.

        Args:
            model: takes `pixel_values`, (B, 3, H, W).
            num_classes: C, 1 to 255.
            preparation: the steps from a frame to its input.
            head: class scores from its outputs.
            inputs: further inputs, the same for every frame.
            shared: what keeps predictions for the methods that hold this network; None: nothing does.

        Raises:
            UserError: a number of classes that label maps cannot hold.

        """
        super().__init__()
        check_num_classes(num_classes)
        self.model = model
        self.num_classes = num_classes
        self.preparation = preparation
        self.head = head
        self.shared = shared
        self._inputs = tuple(inputs or ())
        for name, value in (inputs or {}).items():
            self.register_buffer(f"input_{name}", value, persistent=False)
        self.register_buffer("pixel_mean", torch.tensor(preparation.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(preparation.std).view(3, 1, 1), persistent=False)

    @shareable
    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> ScorePrediction:
        """The prediction of one RGB frame, 0..255.

        Where the image processor pads, scores of the padded picture are stretched over the frame, as the library does.
        """
        size = frame_size(frame)
        resized = self.preparation.resized(frame)
        return ScorePrediction(self._scores(self._run(resized), resized), size)

    @stage("backbone")
    def _run(self, resized: Float[Tensor, "3 h w"]) -> Any:
        window = self.preparation.window
        pictures = resized[None] if window is None else cut(resized, window)
        pixels = normalise(pictures, self.preparation, self.pixel_mean, self.pixel_std)
        inputs = {name: self.get_buffer(f"input_{name}") for name in self._inputs}
        return self.model(pixel_values=pixels, **inputs)

    @stage("semantic inference")
    def _scores(self, outputs: Any, resized: Float[Tensor, "3 h w"]) -> Float[Tensor, "c gh gw"]:
        scores, window = self.head(outputs), self.preparation.window
        if window is None:
            return scores[0]
        return merge(scores, (resized.shape[-2], resized.shape[-1]), window)
