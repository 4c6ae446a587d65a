"""Names in a trace: kinds of frame, and the annotations that mark frames and the stages outside of every other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["key", "non-key"]
TRANSFER = "transfer"
"""The stage of copies between host and device."""
REST: Mapping[Kind, str] = {"key": "segment", "non-key": "propagate"}
"""The stage of what a method does outside the stages that it names."""
FRAME = " frame"
"""Ends the name of a frame's annotation: `key frame`, `non-key frame`."""
STEP = "ProfilerStep#"
"""Begins the name by which TensorBoard's plugin knows a step."""
