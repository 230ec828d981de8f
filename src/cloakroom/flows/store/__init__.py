"""The store itself: initialised, its configuration applied, its keys given out and rotated."""
