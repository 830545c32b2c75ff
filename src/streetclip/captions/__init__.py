"""A sample's columns become a sentence, by templates that are data."""
