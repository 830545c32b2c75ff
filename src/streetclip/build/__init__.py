"""The one place where options meet classes."""
