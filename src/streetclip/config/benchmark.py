"""The options of a benchmark, one sentence each; built like those of an experiment in `schema`."""

from dataclasses import dataclass, field

from streetclip.config.bounds import between, one_of
from streetclip.config.data import RemoteConfig


@dataclass
class FeaturesConfig:
    """What is kept of photographs and prompts, so that they go through a model once."""

    cache: bool = True
    """Keep features on disk and take those that are kept."""
    cache_dir: str | None = None
    """Their folder, shared by all commands; None is `streetclip-features` in the user's cache."""
    cache_gib: float = between(20.0, 0.0)
    """Gibibytes that the folder may hold; what was not used for longest makes room."""


@dataclass
class BenchmarkConfig:
    """One file of `experiments/benchmark/`, and the options of `streetclip benchmark`."""

    run: str | None = None
    """The run folder that fills in what is left out; None is the newest under `runs_dir`."""
    runs_dir: str = "runs"
    """Where runs are."""
    models: list[str] = field(default_factory=list)
    """Checkpoints, URLs, `hf:FOLDER`, `open_clip:NAME:TAG_OR_PATH`; none is the run's newest."""
    data: list[str] = field(default_factory=list)
    """`NAME=PATH` of benchmark sets, or shard sets, URLs, folders, CSV or Parquet files."""
    protocols: list[str] = field(default_factory=list)
    """Names of shipped protocols, or paths; none takes the run's own, else `streetclip`."""
    out: str | None = None
    """The output folder, new or of the same call; None is a new one under `results/`."""
    preset: str | None = None
    """Columns of a known benchmark table, where the name of a set does not say so."""
    shards_dir: str = "shards"
    """Where a shard set that is built for the benchmark is kept and found again."""
    remote: RemoteConfig = field(default_factory=RemoteConfig)
    """Data and models at URLs."""
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    """Features that are kept on disk."""
    batch_size: int = between(128, 1)
    """Photographs, and prompts, in one pass of the model."""
    workers: int = between(0, 0)
    """Processes that read photographs ahead; 0 reads in the process that computes."""
    bootstrap: int = between(1000, 10)
    """Resamples for the 95 % intervals."""
    seed: int = 0
    """Of the bootstrap."""
    cluster: str = "auto"
    """The bootstrap draws together: `auto`, `photo`, `place` or a column; see docs/metrics.md."""
    top_k: int = between(5, 1)
    """Countries that each prediction tells with their probabilities."""
    thumbnails: bool = False
    """Show the worst and some random photographs in `report.html`; they may be private."""
    accelerator: str = "auto"
    """`auto`, `cpu`, `gpu`."""
    devices: str = "1"
    """How many devices (processes, on CPU) embed together; `auto` is every GPU of the machine."""
    precision: str = one_of("32-true", "bf16-mixed")
    """`32-true` or `bf16-mixed`."""
