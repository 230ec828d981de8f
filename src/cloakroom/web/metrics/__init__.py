"""Counters of one process, and the port that shows them."""
