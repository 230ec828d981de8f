"""What does the work of each request that is not worked off in batches: decide, call a use case, answer."""
