"""Options of an experiment: typed, documented, checked all at once."""
