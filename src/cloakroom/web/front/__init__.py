"""What a front process does: connections, HTTP, signatures, and the link to the core; no store, no keys."""
