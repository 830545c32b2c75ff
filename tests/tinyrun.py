"""A tiny experiment for tests: a small rendered world, towers of width 32, a short protocol."""

import json
from pathlib import Path

from streetclip.config.load import load_experiment
from streetclip.config.schema import Experiment

MODEL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 40, "width": 32, "heads": 2, "layers": 1},
}
PROTOCOL = """\
description: Eight countries and two cities each, for tests.
countries: [BR, CN, EG, FR, IN, JP, RU, US]
articles: true
country_prompts: A Street View photo in {country}.
city_prompts: A Street View photo close to the town of {city} in {country}.
cities: {per_country: 2, spacing_km: 0, unique_names: true}
decoding: greedy
distance: {radius_km: 6371.0088, inclusive: true}
"""


def write_experiment(folder: Path) -> Path:
    """An experiment file whose runs, shards, model and protocol all lie in a folder."""
    (folder / "model.json").write_text(json.dumps(MODEL))
    (folder / "protocol.yaml").write_text(PROTOCOL)
    file = folder / "tiny.yaml"
    file.write_text(
        f"runs_dir: {folder}/runs\n"
        "data:\n"
        f"  shards_dir: {folder}/shards\n"
        "  sample_world: {photos: 40, val_photos: 12, countries: 8}\n"
        "  batch_size: 8\n"
        "  window: 4\n"
        "  workers: 0\n"
        "  log_samples: true\n"
        f"model: {{name: {folder}/model.json}}\n"
        "optim: {lr: 1e-2, ema_decay: 0.5}\n"
        "trainer: {accelerator: cpu, devices: '1', max_epochs: 2, progress: false}\n"
        "checkpoint: {every_n_steps: 2}\n"
        f"evaluation: {{protocol: {folder}/protocol.yaml, bootstrap: 50}}\n"
    )
    return file


def tiny_experiment(folder: Path, *overrides: str) -> Experiment:
    """The options of that file."""
    return load_experiment(write_experiment(folder), overrides)
