"""Counted costs: multiply-accumulates, operators, parameters."""
