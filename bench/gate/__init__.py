"""The committed counters, and measuring them."""
