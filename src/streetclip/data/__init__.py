"""The plan of an epoch, and batches made from it."""
