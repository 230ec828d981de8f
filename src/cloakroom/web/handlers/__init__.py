"""Handlers of the requests that are not answered in batches: authorise, call a use case, answer."""
