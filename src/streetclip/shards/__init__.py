"""Rows become WebDataset tars, and tars become bytes again."""
