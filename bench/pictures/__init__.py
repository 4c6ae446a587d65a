"""Pictures that need a model's pixels: strips of predictions, and flows."""
