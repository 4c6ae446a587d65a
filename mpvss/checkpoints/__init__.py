"""Checkpoints: the published programs', the `transformers` library's, FlowNetS's and our own."""

from mpvss.checkpoints.files import read_configuration, save_checkpoint
from mpvss.checkpoints.load import LoadReport, load_checkpoint

__all__ = ["LoadReport", "load_checkpoint", "read_configuration", "save_checkpoint"]
