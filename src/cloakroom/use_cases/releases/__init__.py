"""Releases: bulk that was requested, approved by others, marked with canaries, and run."""
