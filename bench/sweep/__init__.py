"""The grid of cells, and measuring them."""
