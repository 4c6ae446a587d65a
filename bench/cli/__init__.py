"""Every command in a file of its name: its arguments, and one call of the library."""
