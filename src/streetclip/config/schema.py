"""The options of an experiment, one sentence each; `--print-config` shows them as they are here.

OmegaConf builds its configs from these classes, so the annotations keep to what it knows: plain
types, `None`, `list`, `dict` and nested dataclasses. What a value may be beyond its type stands in
the field's metadata, where `config/load.py` finds it.
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


@dataclass
class ModelConfig:
    """The two towers."""

    name: str = "ViT-B-32"
    """A model of open_clip, a configuration file (.json), or `hf:FOLDER` with its weights."""
    pretrained: str | None = None
    """A tag that open_clip knows (needs its hub), or the path of a weight file."""
    start_from: str | None = None
    """One of our checkpoints, or its URL, to take the weights from, instead of `pretrained`."""
    lock_image: bool = False
    """Do not train the image tower."""
    lock_text: bool = False
    """Do not train the text tower."""
    gradient_checkpointing: bool = False
    """Recompute activations: less memory, more time."""


@dataclass
class LossConfig:
    """The contrastive loss."""

    kind: str = one_of("clip", "multi_positive", "siglip")
    """`clip`, `multi_positive` (equal captions are equally right), or `siglip` (pair by pair)."""
    negatives: str = one_of("global", "local")
    """`global`: pairs of all ranks are compared; `local`: those of one rank, in the same pass."""
    max_logit_scale: float = between(100.0, 1.0)
    """The logit scale is kept between 1 and this."""


@dataclass
class AccumulateConfig:
    """How several passes (`data.micro_batch_size`) make the gradient of one step."""

    mode: str = one_of("cached", "plain")
    """`cached` takes one loss over all passes; `plain` takes one in each, of fewer negatives."""


@dataclass
class OptimConfig:
    """AdamW and its schedule."""

    lr: float = between(1.0e-6, 0.0)
    """Peak learning rate."""
    weight_decay: float = between(1.0e-3, 0.0)
    """Decay of weight matrices; gains, biases and the logit scale have none."""
    beta1: float = between(0.9, 0.0, 1.0)
    """Decay of the gradient's mean."""
    beta2: float = between(0.98, 0.0, 1.0)
    """Decay of the gradient's square."""
    eps: float = between(1.0e-6, 0.0)
    """Added to the root of the square."""
    warmup_steps: int | None = between(None, 0)
    """Steps of linear warm-up; None takes `warmup_share`."""
    warmup_share: float = between(0.02, 0.0, 1.0)
    """Warm-up as a share of all steps."""
    schedule: str = one_of("linear", "cosine", "constant")
    """`linear` or `cosine` decay to 0 over the run, or `constant`."""
    clip_norm: float | None = between(1.0, 0.0)
    """Gradients are scaled down to this norm; None does not clip."""
    ema_decay: float | None = between(None, 0.0, 1.0)
    """Average the weights with this decay, and evaluate and export the average."""


@dataclass
class TrainerConfig:
    """Passed on to Lightning's Trainer."""

    accelerator: str = "auto"
    """`auto`, `cpu`, `gpu`, ..."""
    devices: str = "auto"
    """`auto` or a number of devices (processes, on CPU) a node."""
    num_nodes: int = between(1, 1)
    """Machines."""
    precision: str = one_of("32-true", "bf16-mixed", "16-mixed", "bf16-true")
    """`32-true`, `bf16-mixed`, `16-mixed`."""
    max_epochs: int = between(3, 1)
    """Passes over the shard set."""
    max_steps: int = between(-1, -1)
    """Optimiser steps after which the run ends; -1 is no limit."""
    deterministic: bool = True
    """Use deterministic kernels only."""
    log_every_n_steps: int = between(1, 1)
    """Steps between two rows of the log."""
    loggers: list[str] = field(default_factory=lambda: ["csv", "tensorboard"])
    """Any of `csv`, `tensorboard`."""
    progress: bool = True
    """Show a progress bar."""


@dataclass
class CheckpointConfig:
    """What is kept of a run."""

    every_n_steps: int = between(500, 1)
    """Optimiser steps between two checkpoints inside an epoch; each epoch's end has its own."""
    every_n_minutes: float | None = between(20.0, 0.0)
    """Minutes after which a checkpoint is due besides; None goes by steps alone."""
    keep: int = between(2, 2)
    """Newest checkpoints kept, 2 or more."""
    monitor: str | None = "zeroshot/val/country_accuracy"
    """A logged name; the checkpoint with its best value is kept besides. None keeps none."""
    mode: str = one_of("max", "min")
    """Whether `max` or `min` of the monitored value is best."""


@dataclass
class EvaluationConfig:
    """Hierarchical zero-shot evaluation during training."""

    protocol: str = "streetclip"
    """Name of a shipped protocol, or path of one."""
    sets: dict[str, str] = field(default_factory=dict)
    """Further named sets besides `val`: name to shard set, or its URL."""
    every_n_steps: int | None = between(None, 1)
    """Also evaluate every so many steps; None only before the first and after each epoch."""
    batch_size: int = between(128, 1)
    """Photographs, and prompts, in one pass of the model."""
    max_photos: int | None = between(None, 1)
    """Evaluate only the first so many photographs of a set; None takes all."""
    bootstrap: int = between(1000, 10)
    """Resamples for the 95 % intervals."""


@dataclass
class Experiment:
    """One experiment file of `experiments/pretrain/`."""

    name: str = "pretrain"
    """Names the folder of its runs; the file's own name if the file does not set it."""
    seed: int = 42
    """Decides the order of photographs, captions, augmentation, new weights and dropout."""
    runs_dir: str = "runs"
    """Where runs are written, each in a new folder of its own."""
    data: DataConfig = field(default_factory=DataConfig)
    """Photographs."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Towers."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Loss."""
    accumulate: AccumulateConfig = field(default_factory=AccumulateConfig)
    """Passes of a step."""
    optim: OptimConfig = field(default_factory=OptimConfig)
    """Optimiser."""
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    """Lightning."""
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    """Checkpoints."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """Evaluation."""
