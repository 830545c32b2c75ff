"""Which country, then which of its cities: asked in words."""
