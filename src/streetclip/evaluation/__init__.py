"""One benchmark run, the same for the command and for the callback of each epoch.

Shapes: n photographs, r resamples, v values, b photographs of one batch, d features, t tokens.
"""
