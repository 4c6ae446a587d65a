"""Measured times: samples, when to stop, how networks are run."""
