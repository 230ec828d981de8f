"""The service over HTTP: signed requests, gathered into batches, answered from the flows."""
