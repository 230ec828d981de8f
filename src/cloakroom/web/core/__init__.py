"""The process that alone has the store and its keys: requests into batches, batches into answers."""
