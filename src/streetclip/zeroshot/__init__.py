"""Which country, then which of its cities: asked in words.

Shapes: n photographs, d features, c countries, m cities, p prompts, t tokens, k answers.
"""
