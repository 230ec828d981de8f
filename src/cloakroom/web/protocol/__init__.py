"""The protocol between fronts and core: frames, and the bounds that both keep."""
