"""From a method and a video to scores."""
