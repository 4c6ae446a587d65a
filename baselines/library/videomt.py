"""VidEoMT (CVPR 2026): a plain vision transformer whose queries carry over from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.library.heads import weigh
from baselines.library.load import load_network, read_config
from baselines.library.preparation import Preparation, normalise
from baselines.library.processor import preparation, read_video_processor
from baselines.scores import ScorePrediction
from mpvss.errors import UserError
from mpvss.labels import check_num_classes
from mpvss.stages import stage
from mpvss.video import check_same_size, frame_size


@dataclass(frozen=True)
class Carried:
    """What the next frame needs: the last layer's query tokens of the frame before it."""

    queries: Float[Tensor, "1 q d"]
    size: tuple[int, int]
    """Height and width of the frame."""


class VideoMT(nn.Module):
    """VidEoMT, frame by frame: what its own run over a clip gives.

    Most layers see a frame's patches alone. The last few see queries beside them: learned ones at the start of a
    clip, and after that the same plus a linear map of the frame before's.
    """

    key_frames: ClassVar[bool] = False
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, model: Any, *, num_classes: int, preparation: Preparation) -> None:
        """Wrap a network.

        Args:
            model: the library's `VideomtForUniversalSegmentation`.
            num_classes: 1 to 255.
            preparation: the steps from a frame to its input.

        Raises:
            UserError: a number of classes that label maps cannot hold.

        """
        super().__init__()
        check_num_classes(num_classes)
        self.model = model
        self.num_classes = num_classes
        self.preparation = preparation
        self.register_buffer("pixel_mean", torch.tensor(preparation.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(preparation.std).view(3, 1, 1), persistent=False)

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[ScorePrediction, Carried]:
        """The first frame of a clip, with the learned queries."""
        return self._decode(self._patches(frame), self.model.query.weight[None], frame_size(frame))

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: Carried) -> tuple[ScorePrediction, Carried]:
        """A later frame, with the queries that the frame before it left."""
        check_same_size(frame, state.size, "the frame before it")
        return self._decode(self._patches(frame), self._updated(state.queries), state.size)

    @stage("backbone")
    def _patches(self, frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 t d"]:
        pixels = normalise(self.preparation.resized(frame)[None], self.preparation, self.pixel_mean, self.pixel_std)
        tokens = self.model.embeddings(pixels)
        for layer in self.model.layers[: -self.model.config.num_blocks]:
            tokens = layer(tokens)
        return tokens

    @stage("query decoder")
    def _updated(self, queries: Float[Tensor, "1 q d"]) -> Float[Tensor, "1 q d"]:
        return self.model.query_updater(queries) + self.model.query.weight

    def _decode(
        self, patches: Float[Tensor, "1 t d"], queries: Float[Tensor, "1 q d"], size: tuple[int, int]
    ) -> tuple[ScorePrediction, Carried]:
        masks, classes, last = self._segments(patches, queries)
        return ScorePrediction(_scores(masks, classes), size), Carried(last, size)

    @stage("query decoder")
    def _segments(
        self, patches: Float[Tensor, "1 t d"], queries: Float[Tensor, "1 q d"]
    ) -> tuple[Float[Tensor, "1 q h w"], Float[Tensor, "1 q k"], Float[Tensor, "1 q d"]]:
        tokens = torch.cat((queries, patches), 1)
        for layer in self.model.layers[-self.model.config.num_blocks :]:
            tokens = layer(tokens)
        masks, classes = self.model.predict(self.model.layernorm(tokens))
        return masks, classes, tokens[:, : queries.shape[1]]


@stage("semantic inference")
def _scores(masks: Float[Tensor, "1 q h w"], classes: Float[Tensor, "1 q k"]) -> Float[Tensor, "c h w"]:
    return weigh(masks, classes)[0]


def load_videomt(name: str) -> VideoMT:
    """The VidEoMT in a folder, or of a name that the library knows.

    Raises:
        UserError: there is none, or not all of it.
    """
    config = read_config(name)
    if config.model_type != "videomt":
        raise UserError(f"{name} is a network of kind {config.model_type!r}; the method videomt runs kind 'videomt'")
    from transformers import VideomtForUniversalSegmentation

    settings = read_video_processor(name, config.image_size)
    model = load_network(VideomtForUniversalSegmentation, name)
    return VideoMT(model, num_classes=config.num_labels, preparation=preparation(settings)).eval()
