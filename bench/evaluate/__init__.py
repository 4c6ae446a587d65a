"""Methods run over videos, and scored."""
