"""Cloakroom keeps customers' personal data sealed, bounds every opening of it, and computes who was affected."""

__version__ = "0.1.0"
