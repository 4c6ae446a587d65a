"""Video to measure on, by name and streamed: `open_dataset`. Nothing here imports a model."""

from bench.data.clip import Clip, Dataset, Frame
from bench.data.palette import colour_map
from bench.data.spec import open_dataset
from bench.data.video_file import write_video

__all__ = [
    "Clip",
    "Dataset",
    "Frame",
    "colour_map",
    "open_dataset",
    "write_video",
]
