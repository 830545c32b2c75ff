"""The options of photographs: which, where they are kept, how they become batches.

Beside `config/schema.py`, whose rules hold here as well.
"""

from dataclasses import dataclass, field

from streetclip.config.bounds import between, one_of


@dataclass
class SampleWorldConfig:
    """The embedded default: rendered street scenes (`data.source=sample-world`)."""

    photos: int = between(4000, 1)
    """Photographs to train on."""
    seed: int = 1
    """Decides every scene; the towns are those of the training half of the gazetteer."""
    val_photos: int = between(500, 1)
    """Photographs to validate on, in towns that no training photograph shows."""
    val_seed: int = 2
    """Seed of the validation photographs."""
    size_px: int = between(128, 128, 1024)
    """Side of the square photographs, 128 or more."""
    countries: int = between(48, 1, 250)
    """How many countries are photographed, the best-known first."""


@dataclass
class ShardsConfig:
    """How a manifest becomes a shard set (the options of `streetclip shards build`)."""

    max_side_px: int = between(512, 16)
    """Photographs whose longer side exceeds this are made smaller."""
    quality: int = between(90, 1, 100)
    """JPEG quality of the re-encoded photographs, 1 to 100."""
    samples_per_shard: int = between(2000, 1)
    """Photographs in one tar."""
    val_share: float = between(0.1, 0.0, 0.9)
    """Share of the places that goes to validation; no town is in both. 0 makes no split."""
    seed: int = 0
    """Shuffles the rows before they are written, and decides the split."""
    holdout_countries: list[str] = field(default_factory=list)
    """ISO codes or names of countries that are kept out of training."""
    opt_out: str | None = None
    """A file of keys or digests, one a line, that must not be used."""
    preset: str | None = None
    """Name of a known benchmark table whose columns differ from ours; found by itself if None."""
    columns: list[str] = field(default_factory=list)
    """Further columns of the table that captions may use."""


@dataclass
class AugmentConfig:
    """Random changes of a training photograph, drawn from (seed, epoch, sample)."""

    scale_min: float = between(0.9, 0.01, 1.0)
    """A random crop keeps at least this share of the area; 1 crops only to the model's shape."""
    flip: bool = False
    """Mirror half of the photographs; off, because the driving side would be mirrored too."""


@dataclass
class RemoteConfig:
    """Shard sets, tars and checkpoints at URLs: where they are kept, how hard to try."""

    cache_dir: str | None = None
    """Folder of what was fetched, shared by all runs; None is `streetclip` in the user's cache."""
    cache_gib: float = between(100.0, 0.001)
    """Gibibytes that the folder may hold; what was not used for longest makes room."""
    timeout_s: float = between(30.0, 0.1, 3600.0)
    """Longest wait for a connection, and for each further byte, seconds."""
    tries: int = between(6, 1, 100)
    """How often a file is tried, with pauses that grow from half a second to half a minute."""
    prefetch_shards: int = between(8, 0)
    """Shards that a rank fetches beyond those that it reads; 0 fetches when they are needed."""
    downloads: int = between(4, 1, 64)
    """Shards that a rank fetches at a time."""


@dataclass
class DataConfig:
    """Which photographs, in which order, with which captions."""

    source: str = "sample-world"
    """`sample-world`, a shard set, its URL, or a folder, CSV or Parquet file that becomes one."""
    expected_photos: int | None = between(None, 1)
    """Photographs that `source` should hold; `--plan` counts with it where `source` is not here."""
    val_source: str | None = None
    """Photographs to validate on; None takes the validation split of `source`."""
    shards_dir: str = "shards"
    """Where shard sets that are built for a run are kept and found again."""
    sample_world: SampleWorldConfig = field(default_factory=SampleWorldConfig)
    """Options of the embedded default."""
    shards: ShardsConfig = field(default_factory=ShardsConfig)
    """How `source` becomes a shard set, where it is none yet."""
    remote: RemoteConfig = field(default_factory=RemoteConfig)
    """Sources at URLs."""
    order: str = one_of("planned", "resampled")
    """`planned` resumes exactly, needs an index; `resampled` reads any WebDataset."""
    batch_size: int = between(256, 2)
    """Pairs in one optimiser step over all ranks."""
    micro_batch_size: int | None = between(None, 1)
    """Pairs in one pass through the model on one rank; None is the rank's whole share."""
    lanes: int | None = between(None, 1)
    """Equal parts that an epoch is cut into; ranks must divide it. None is gcd(batch_size, 192)."""
    window: int = between(512, 1)
    """Neighbouring positions of a lane that are shuffled among each other."""
    spread_countries: bool = False
    """Only `planned`: of each country, every batch of a window gets as many as any other."""
    workers: int = between(2, 0)
    """Loader processes of one rank; 0 loads in the training process."""
    captions: str = "street"
    """Name of a shipped template file, or path of one."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Random changes of training photographs."""
    samples_per_epoch: int | None = between(None, 1)
    """Only `resampled`: samples that count as an epoch; None takes the size of an indexed set."""
    shuffle_samples: int = between(2000, 1)
    """Only `resampled`: samples in the shuffle buffer of a worker, at most."""
    shuffle_mib: int = between(512, 1)
    """Only `resampled`: mebibytes in the shuffle buffer of a worker, at most."""
    max_bad_samples: int = between(100, 0)
    """The run stops when more photographs than this are bad."""
    log_samples: bool = False
    """Write step, keys and captions of every batch to `samples.jsonl`."""
