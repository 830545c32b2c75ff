"""Places become numbers."""
