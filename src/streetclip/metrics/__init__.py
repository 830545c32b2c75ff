"""Places become numbers.

Shapes: n photographs, b photographs of one batch, d features.
"""
