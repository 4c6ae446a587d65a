"""Every method by name: built, with its weights."""
