"""Entries: written durably, brought into the log in order, and the snapshots that lineages are judged by."""
