"""Speed and memory beside the `transformers` library."""
