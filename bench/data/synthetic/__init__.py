"""Clips of streets and rooms that the project renders itself, with exact labels and flow.

`Scene` gives any frame of a scene and the flow between any two; `open_synthetic` the data set of them. Frames are the
same on every machine: they follow from integers by the sums, products and floors that IEEE 754 fixes.
"""

from bench.data.synthetic.classes import NAMES, palette
from bench.data.synthetic.dataset import SPLITS, SyntheticOptions, open_synthetic, scene_seed
from bench.data.synthetic.scene import Scene

__all__ = ["NAMES", "SPLITS", "Scene", "SyntheticOptions", "open_synthetic", "palette", "scene_seed"]
