"""Training: matcher, losses, frame pairs, tasks and the loop."""
