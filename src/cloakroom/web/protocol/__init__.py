"""What fronts and core share: the frames between them, and the bounds that both keep."""
