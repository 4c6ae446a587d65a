"""Mask2Former's criterion for semantic segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from mpvss.errors import UserError
from mpvss.segmentor.query_decoder import Segments
from mpvss.training.distributed import mean_over_processes
from mpvss.training.matcher import CLASS_WEIGHT, DICE_WEIGHT, MASK_WEIGHT, Match, classes_in, match
from mpvss.training.points import draw_unsure_points, read_classes, read_masks

NO_OBJECT_WEIGHT = 0.1
"""The weight of queries that match nothing, in the class loss."""


@dataclass(frozen=True)
class SegmentationCriterion:
    """Class cross-entropy, mask cross-entropy and dice of matched queries, on every decoder layer.

    Every class in a label map is one segment. Masks are compared at `points` points a segment. As in the published
    code, a pixel that is ignored lies outside every segment, so it counts as background of the matched masks.

    Sums are divided by the number of segments (masks) and by the summed weight of the queries (classes). Both are
    means over the processes of a distributed run, so that the processes' mean gradient is that of one large batch.
    """

    points: int = 12544

    def __post_init__(self) -> None:
        if self.points < 1:
            raise UserError(f"points is {self.points}; it must be 1 or more")

    def __call__(
        self,
        layers: Sequence[Segments],
        labels: UInt8[Tensor, "b h w"],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """The weighted losses `class`, `mask` and `dice`, summed over the layers.

        `labels` are padded as the masks are. An image's points come from its own generator, so they do not depend
        on how a batch is split. Everything is computed in float32, under autocast too.
        """
        with torch.autocast(labels.device.type, enabled=False):
            return self._losses(layers, labels, generators)

    def _losses(
        self, layers: Sequence[Segments], labels: Tensor, generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        class_logits = torch.stack([layer.class_logits.float() for layer in layers])  # (layers, b, q, classes + 1)
        mask_logits = torch.stack([layer.mask_logits.float() for layer in layers])  # (layers, b, q, h, w)
        wanted = torch.full(class_logits.shape[:3], class_logits.shape[3] - 1, device=labels.device)
        segments, mask, dice = 0, class_logits.new_zeros(()), class_logits.new_zeros(())
        # Taken apart at once: the gradient of one image is then never as large as that of all.
        for image, (masks, generator) in enumerate(zip(mask_logits.unbind(1), generators, strict=True)):
            classes = classes_in(labels[image])
            segments += len(classes)
            matches = match(
                class_logits[:, image], masks, labels[image], classes, points=self.points, generator=generator
            )
            for layer, found in enumerate(matches):
                wanted[layer, image, found.queries] = classes[found.targets]
            of_image = self._mask_losses(masks, matches, labels[image], classes, generator)
            mask, dice = mask + of_image[0], dice + of_image[1]
        total = mean_over_processes(labels.new_tensor(segments, dtype=torch.float32)).clamp(min=1)
        return {
            "class": CLASS_WEIGHT * self._class_loss(class_logits, wanted),
            "mask": MASK_WEIGHT * mask / total,
            "dice": DICE_WEIGHT * dice / total,
        }

    def _class_loss(self, logits: Float[Tensor, "l b q c"], wanted: Tensor) -> Tensor:
        of_class = logits.new_ones(logits.shape[-1])
        of_class[-1] = NO_OBJECT_WEIGHT
        summed = F.cross_entropy(logits.flatten(0, 2), wanted.flatten(), of_class, reduction="sum")
        # Every layer matches as many queries, so their weights have one sum.
        return summed / mean_over_processes(of_class[wanted[0]].sum())

    def _mask_losses(
        self,
        masks: Float[Tensor, "l q h w"],
        matches: list[Match],
        labels: Tensor,
        classes: Tensor,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Summed over the matched masks of every layer: the mean cross-entropy over points, and dice."""
        rows = torch.cat([layer * masks.shape[1] + found.queries for layer, found in enumerate(matches)])
        matched = masks.flatten(0, 1).index_select(0, rows)
        if len(matched) == 0:  # an image of ignored pixels alone
            return matched.sum(), matched.sum()
        with torch.no_grad():
            points = draw_unsure_points(matched, self.points, generator)
            targets = torch.cat([found.targets for found in matches])[:, None, None]
            truth = read_classes(labels, classes, points).gather(2, targets.expand(-1, self.points, -1))[..., 0]
        logits = read_masks(matched, points)
        probability = logits.sigmoid()
        overlap = 2 * (probability * truth).sum(-1)
        dice = 1 - (overlap + 1) / (probability.sum(-1) + truth.sum(-1) + 1)
        return F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(-1).sum(), dice.sum()
