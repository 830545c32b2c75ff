"""Whether training can use a sample, asked beforehand of every sample."""

from dataclasses import dataclass

from streetclip.captions.synthesize import check_columns
from streetclip.captions.template import Template
from streetclip.data.decode import decode_image
from streetclip.shards.picture import open_photograph
from streetclip.shards.pixels import check_whole
from streetclip.shards.read import RawSample
from streetclip.shards.sample import parse_metadata


@dataclass(frozen=True)
class Usable:
    """Refuses what training would put into quarantine, with the same parser, limits and decoder.

    Of what training takes it refuses one thing more: a progressive JPEG that was cut and got a new
    end mark, whose picture is only blurred where data are missing. Finding that costs two further
    decodings, which training does not spend.

    Args:
        template: Of the captions that the samples are meant for; None for samples that are only
            measured: they may lie where no country is, or say the country alone.
    """

    template: Template | None

    def __call__(self, raw: RawSample) -> None:
        """Look at one sample.

        Args:
            raw: Bytes of the photograph and of its metadata.

        Raises:
            SampleError: If training could not use it, in any epoch, or it is a cut photograph.
        """
        columns = parse_metadata(raw.metadata, needs_point=self.template is not None)
        if self.template is not None:
            check_columns(self.template, columns)
        decode_image(raw.image)
        if _is_progressive(raw.image):
            check_whole(raw.image)


def _is_progressive(raw: bytes) -> bool:
    with open_photograph(raw) as image:
        return bool(image.info.get("progressive"))
