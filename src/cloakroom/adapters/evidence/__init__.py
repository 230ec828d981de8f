"""Evidence as it lies on disk, in folders and archives: read within limits, never unpacked or written."""
