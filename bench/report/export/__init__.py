"""What was measured, in the forms that other programs read: model cards, and the stores of experiment trackers."""
