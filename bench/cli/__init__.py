"""Every command in one file: its arguments, and one call of the library."""
