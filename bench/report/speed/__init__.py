"""Which times are measurements, and whose they are."""
