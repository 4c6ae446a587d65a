"""An image network of the user's own, in the place of a segmentor."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Shaped
from torch import Tensor, nn

from baselines.scores import ScorePrediction
from mpvss.errors import UserError
from mpvss.labels import check_num_classes
from mpvss.sharing import SharedResults, shareable
from mpvss.stages import stage
from mpvss.video import frame_size

Network = Callable[[Tensor], Tensor]
"""From an RGB frame, (3, H, W), 0..255, uint8, to class scores, (C, h, w), on a grid of any size that covers it."""


class AddedNetwork(nn.Module):
    """A `ScoreSegmentor` of any function from a frame to class scores; whatever it does to the frame is its own."""

    def __init__(self, network: Network, *, name: str, num_classes: int, shared: SharedResults | None = None) -> None:
        """Wrap a network.

        Args:
            network: gives class scores (logits) for a frame; a module moves to the device, anything else stays.
            name: what it is called in messages.
            num_classes: C, 1 to 255.
            shared: what keeps predictions for the methods that hold this network; None: nothing does.

        Raises:
            UserError: a number of classes that label maps cannot hold.

        """
        super().__init__()
        check_num_classes(num_classes)
        self.network = network
        self.name = name
        self.num_classes = num_classes
        self.shared = shared

    @shareable
    @stage("backbone")
    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> ScorePrediction:
        """The prediction of one RGB frame, 0..255; UserError where the network gives anything but class scores."""
        size = frame_size(frame)
        scores = self.network(frame)
        wanted = f"class scores ({self.num_classes}, h, w), in floating point"
        if not isinstance(scores, Tensor):
            raise UserError(f"{self.name} gave a {type(scores).__name__} for a frame; it must give {wanted}")
        if scores.ndim != 3 or scores.shape[0] != self.num_classes or not scores.is_floating_point():
            raise UserError(f"{self.name} gave {scores.dtype} of shape {tuple(scores.shape)}; it must give {wanted}")
        return ScorePrediction(scores, size)
