"""The store itself: configuration in force, rotation of keys."""
