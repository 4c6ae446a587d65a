"""Query-based flow between a frame and its key frame (Sec. 3.3)."""
