"""The motion module: encoder, decoder and flow head, and the paper's ablations of them (Sec. 4.1)."""

from __future__ import annotations

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from mpvss.errors import UserError
from mpvss.motion.decoder import MotionDecoder
from mpvss.motion.encoder import MotionEncoder, stack_pair
from mpvss.motion.flow_head import FlowFusion, QueryFlowHead
from mpvss.motion.pixel_flow import CoarseToFineFlow


class MotionModule(nn.Module):
    """Backward flow from a frame to its key frame.

    With `query_head` and `pixel_flow` both, each query gets a flow fused of the two (MPVSS). With `query_head`
    alone, its query-based flow (Query-learned, Query-random). With `pixel_flow` alone, one flow for all, which the
    queries have informed through the decoder (Query-for-PF). `own_queries` replace the key frame's (Query-random).
    """

    def __init__(
        self,
        *,
        encoder: MotionEncoder,
        decoder: MotionDecoder,
        query_head: QueryFlowHead | None,
        pixel_flow: CoarseToFineFlow | None,
        own_queries: nn.Embedding | None = None,
    ) -> None:
        """Join built parts.

        Args:
            encoder: gives the maps of a pair of frames.
            decoder: built for the encoder's maps from conv6 to conv4.
            query_head: built for the encoder's conv2; None: no query-based flow.
            pixel_flow: built for the decoder's maps, then conv3 and conv2; None: no pixel-wise flow.
            own_queries: as many queries of the same width as the segmentor has, taken in the place of the key
                frame's; None: the key frame's.

        Raises:
            UserError: neither `query_head` nor `pixel_flow` is given.

        """
        super().__init__()
        if query_head is None and pixel_flow is None:
            raise UserError("a motion module needs query_head, pixel_flow or both")
        self.encoder = encoder
        self.decoder = decoder
        self.query_head = query_head
        self.pixel_flow = pixel_flow
        self.own_queries = own_queries
        self.fuse = FlowFusion() if query_head is not None and pixel_flow is not None else None

    def forward(
        self,
        frame: Shaped[Tensor, "b 3 h w"],
        key_frame: Shaped[Tensor, "b 3 h w"],
        queries: Float[Tensor, "b q d"],
    ) -> Float[Tensor, "b n 2 fh fw"]:
        """One flow a query, or a single one (n = 1) from `pixel_flow` alone, at 1/8 of the padded frame.

        Frames are RGB, 0..255. `queries` are the key frame's, after its decoder's norm.
        """
        maps = self.encoder(stack_pair(frame, key_frame))
        if self.own_queries is not None:
            queries = self.own_queries.weight.expand(frame.shape[0], -1, -1)
        decoded = self.decoder(queries, (maps.conv6, maps.conv5, maps.conv4))
        pixel = query = None
        if self.pixel_flow is not None:
            pixel = self.pixel_flow((*decoded.levels, maps.conv3, maps.conv2))
        if self.query_head is not None:
            query = self.query_head(decoded.queries, maps.conv2)
        if query is None:
            assert pixel is not None
            return pixel[:, None]
        if pixel is None:
            return query
        assert self.fuse is not None
        return self.fuse(pixel, query)
