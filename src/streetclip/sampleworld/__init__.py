"""The embedded default: rendered street scenes."""
