"""Handlers of the requests that are not worked off in batches: decide, call a use case, answer."""
