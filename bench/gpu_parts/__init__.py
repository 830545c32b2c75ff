"""Parts of `bench/gpu.py`, which is the command."""
