"""What the product does, a use case in each module: flows and adapters put together over an opened store."""
