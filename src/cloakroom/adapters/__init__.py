"""Effects: PostgreSQL, files, keys. Each module implements a protocol that `flows` asks for."""
