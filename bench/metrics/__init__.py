"""Accuracy and consistency measures over numpy label maps. Nothing here imports a model."""

from bench.metrics.confusion import confusion_matrix
from bench.metrics.consistency import StrictVideoConsistency, VideoConsistency
from bench.metrics.counts import measures_of_counts
from bench.metrics.iou import mean_iou, mean_iou_with_predicted, per_class_iou, pixel_accuracy, weighted_iou
from bench.metrics.temporal import flow_sources, temporal_confusion, warped_labels

__all__ = [
    "StrictVideoConsistency",
    "VideoConsistency",
    "confusion_matrix",
    "flow_sources",
    "mean_iou",
    "mean_iou_with_predicted",
    "measures_of_counts",
    "per_class_iou",
    "pixel_accuracy",
    "temporal_confusion",
    "warped_labels",
    "weighted_iou",
]
