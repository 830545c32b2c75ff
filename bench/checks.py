"""Question: what do the checks of an exact loader cost, against what a sample costs in all?

The loader compares a crc32 with each member that it reads, asks for a shard's file when it opens one,
and looks samples up in an index. Each is timed alone, on photographs of about 150 kB, and divided by
the CPU time that the whole loader spends on a sample in the same run.

    python bench/checks.py [--photos 600] [--size 224] [--rounds 5]

Bars: crc and cache together at most 4 % of a sample; the index at most 64 bytes a sample besides its key.
"""
