"""The Lightning callbacks, loggers and run folders that keep a run exact."""
