"""Networks that several methods hold."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import nn

from baselines.clips.network import ClipNetwork
from baselines.flownets import FlowNetS, build_flownets
from baselines.library.load import load_library_model
from baselines.raft import RAFT
from baselines.scores import ScoreSegmentor
from bench.methods.added import build_added
from bench.methods.image_networks import build_image_network
from bench.methods.names import IMAGE_NETWORKS, LIBRARY, added_segmentors, check_backbone, has_masks
from mpvss.build import build_segmentor
from mpvss.errors import UserError
from mpvss.labels import check_num_classes
from mpvss.presets import SMALL, Execution, Head, backbone_row
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.sharing import SharedResults

Network = TypeVar("Network", bound=nn.Module)


class Parts:
    """Networks that methods share: those built from one `Parts` hold the same segmentor and the same flow network.

    Random weights follow from the seed and the network's own name, so a network is the same whatever else is built.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        execution: Execution = "lean",
        seed: int = 0,
        shared: SharedResults | None = None,
        own_weights: str | os.PathLike[str] | None = None,
    ) -> None:
        """Start with no networks; each is built when it is first asked for.

        Args:
            num_classes: 1 to 255.
            execution: `lean`, or `paper` for the published graph.
            seed: what random weights follow from.
            shared: keeps results of the networks for the methods that hold them; None: nothing does.
            own_weights: what an image network that a package adds is to load; None: as the package chooses.

        Raises:
            UserError: a number of classes that label maps cannot hold.

        """
        check_num_classes(num_classes)
        self.num_classes = num_classes
        self.execution: Execution = execution
        self.seed = seed
        self._shared = shared
        self._own_weights = own_weights
        self._segmentors: dict[str, Mask2Former | ScoreSegmentor] = {}
        self._flows: dict[Head, FlowNetS] = {}

    def segmentor(self, backbone: str) -> Mask2Former:
        """The Mask2Former with this backbone."""
        segmentor = self.image_segmentor(backbone)
        assert isinstance(segmentor, Mask2Former), "the backbone was checked for the method"
        return segmentor

    def image_segmentor(self, backbone: str) -> Mask2Former | ScoreSegmentor:
        """The Mask2Former with this backbone, the image network of this name, or the library's model."""
        if backbone not in self._segmentors:
            self._segmentors[backbone] = self._make_segmentor(backbone)
        return self._segmentors[backbone]

    def _make_segmentor(self, backbone: str) -> Mask2Former | ScoreSegmentor:
        check_backbone(backbone)
        if backbone in IMAGE_NETWORKS:
            return self.initialise(
                backbone, lambda: build_image_network(backbone, self.num_classes, self.execution, self._shared)
            )
        if backbone in added_segmentors():
            return self.initialise(
                backbone, lambda: build_added(backbone, self.num_classes, self._own_weights, self._shared)
            )
        if not backbone.startswith(LIBRARY):
            return self.initialise(
                backbone, lambda: build_segmentor(backbone, self.num_classes, self.execution, self._shared)
            )
        model = load_library_model(backbone.removeprefix(LIBRARY), self._shared)
        check_classes(backbone, model.num_classes, self.num_classes)
        return model

    def flow(self, backbone: str) -> FlowNetS:
        """The FlowNetS of this backbone's family."""
        # With networks without masks goes the small FlowNetS, which the project has trained weights of.
        head = backbone_row(backbone).head if has_masks(backbone) else SMALL
        if head not in self._flows:
            self._flows[head] = self.initialise(
                "flownets", lambda: build_flownets(head.motion_widths, head.flownet_widths, self._shared)
            )
        return self._flows[head]

    def raft(self) -> RAFT:
        """A RAFT of 20 iterations."""
        return self.initialise("raft", lambda: RAFT(execution=self.execution))

    def initialise(self, name: str, make: Callable[[], Network]) -> Network:
        """Make a network in evaluation mode; its random weights follow from the seed and `name` alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(zlib.crc32(f"{self.seed}/{name}".encode()))
            return make().eval()


def check_classes(backbone: str, has: int, wanted: int) -> None:
    """Raise UserError unless a model of the library has the classes that are wanted, which are the data's."""
    if has != wanted:
        raise UserError(f"{backbone} has {has} classes; {wanted} are asked for, as the data has")


def share_equal_networks(methods: Iterable[object]) -> None:
    """Let methods of one backbone, built from several `Parts`, hold one network where theirs have equal weights.

    CFFM-VSS and MRCFA keep the SegFormer each has, which may pad frames where another does not.
    """
    known: dict[tuple[type, str], nn.Module] = {}
    for method in methods:
        if isinstance(method, ClipNetwork):
            continue
        for name, network in method.named_children() if isinstance(method, nn.Module) else ():
            if isinstance(network, Mask2Former | ScoreSegmentor | FlowNetS):
                key = (type(network), digest_of_weights(network))
                setattr(method, name, known.setdefault(key, network))


def digest_of_weights(network: nn.Module) -> str:
    """The SHA-256 of a network's tensors with their names and shapes, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()
