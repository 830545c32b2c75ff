"""A folder, CSV or Parquet file of photographs becomes rows."""
