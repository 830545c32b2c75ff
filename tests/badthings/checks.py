"""A check of samples that another process can import quickly."""

from streetclip.shards.picture import open_photograph
from streetclip.shards.read import RawSample


def check_header(raw: RawSample) -> None:
    """Refuse a photograph by its header alone."""
    open_photograph(raw.image).close()
