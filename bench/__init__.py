"""The harness: data, measures, sweeps and reports over every method."""
