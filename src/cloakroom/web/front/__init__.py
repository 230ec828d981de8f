"""The work of a front process: connections, HTTP, signatures, and the link to the core; no store, no keys."""
