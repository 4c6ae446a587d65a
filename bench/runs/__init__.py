"""The files of a run: schema, reading, writing."""
