"""Typed requests by subject, each with what it is answered."""
