"""Admission: requests, the gatekeeper of openings, and the one refusal that commands and endpoints share."""
