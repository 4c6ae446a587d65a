"""The player: clips of a run with the label maps that were kept of them, on a page that works from disk."""
