"""Customers' records: delivered, written, found, revealed, erased."""
