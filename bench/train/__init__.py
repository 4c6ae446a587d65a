"""Training: configuration, data, model, run, validation, record."""
