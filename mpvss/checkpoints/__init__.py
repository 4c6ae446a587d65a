"""Checkpoints: the published programs', the `transformers` library's, FlowNetS's, our own, and what networks add."""

from mpvss.checkpoints.files import read_configuration, save_checkpoint
from mpvss.checkpoints.load import LoadReport, load_checkpoint, read_num_classes

__all__ = ["LoadReport", "load_checkpoint", "read_configuration", "read_num_classes", "save_checkpoint"]
