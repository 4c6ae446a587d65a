"""All that is measured of one card: `bench.card.run.card` is the command `mpvss-bench card`."""
