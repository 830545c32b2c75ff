"""The Earth: distances, places, borders, country names, climate."""
