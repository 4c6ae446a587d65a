"""The methods MPVSS is compared with; each a `VideoSegmenter`."""
