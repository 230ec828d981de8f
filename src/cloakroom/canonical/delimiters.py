"""The signs by which files keep cells apart, of deliveries and dumps alike; the common ones first."""

from __future__ import annotations

DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f", "\x01", ":")
