"""Customers' records: imported, written, erased, their tokens exchanged."""
