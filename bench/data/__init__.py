"""Video to measure on, by name and streamed: `open_dataset`. Nothing here imports a model."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.data.clip import Clip, Dataset, Frame
from bench.data.palette import colour_map
from bench.data.spec import open_dataset

if TYPE_CHECKING:
    from bench.data.video_file import write_video

__all__ = [
    "Clip",
    "Dataset",
    "Frame",
    "colour_map",
    "open_dataset",
    "write_video",
]


def __getattr__(name: str) -> Any:
    """Import what handles video files, and with it PyAV, when it is asked for."""
    if name == "write_video":
        return import_module("bench.data.video_file").write_video
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
