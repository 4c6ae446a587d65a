"""MPVSS: mask propagation for efficient video semantic segmentation (NeurIPS 2023)."""
