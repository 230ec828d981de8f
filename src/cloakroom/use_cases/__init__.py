"""Use cases by subject: flows and adapters put together over an opened store, for commands and endpoints."""
