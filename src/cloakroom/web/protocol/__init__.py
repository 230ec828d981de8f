"""The protocol between fronts and core: the frames that they exchange, and the bounds that both keep."""
