"""Results become tables and maps."""
