"""Mask2Former on one image (Sec. 3.2)."""
