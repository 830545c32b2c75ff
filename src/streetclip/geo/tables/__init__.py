"""The data files of the geography room, and the script that builds them."""
