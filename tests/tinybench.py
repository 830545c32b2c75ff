"""What a tiny benchmark measures: two models of new weights, two shard sets, two protocols."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.tinyrun import MODEL, PROTOCOL
from tests.tinyshards import write_tiny_shards

from streetclip.config.benchmark import BenchmarkConfig
from streetclip.config.load import load_benchmark

SIZES = (40, 30)
PHOTOS = sum(SIZES)


@dataclass(frozen=True)
class TinyBench:
    """Where everything lies.

    Args:
        folder: Holds it.
        models: Two configurations; their weights follow from the seed of new models.
        sets: Two shard sets of 70 photographs each.
        protocols: Two files; they ask in other words.
    """

    folder: Path
    models: tuple[Path, Path]
    sets: tuple[Path, Path]
    protocols: tuple[Path, Path]

    def options(self, out: Path, *overrides: str, number: int = 2) -> BenchmarkConfig:
        """Options of a benchmark of the first so many of everything.

        Args:
            out: The output folder.
            overrides: Replace or add to the options.
            number: 1 or 2.
        """
        listed = {"models": self.models, "data": self.sets, "protocols": self.protocols}
        words = [
            f"{key}={json.dumps([str(path) for path in paths[:number]])}"
            for key, paths in listed.items()
        ]
        plain = [f"out={out}", "bootstrap=10", "batch_size=32", "accelerator=cpu"]
        return load_benchmark(None, [*words, *plain, *overrides])


def write_tiny_bench(folder: Path) -> TinyBench:
    """Write models, sets and protocols.

    Args:
        folder: Where they go.
    """
    models = (folder / "small.json", folder / "wide.json")
    models[0].write_text(json.dumps(MODEL))
    models[1].write_text(json.dumps({**MODEL, "embed_dim": 24}))
    sets = tuple(
        write_tiny_shards(folder / name, sizes=SIZES, seed=seed)
        for seed, name in enumerate(("north", "south"))
    )
    protocols = (folder / "eight.yaml", folder / "plain.yaml")
    protocols[0].write_text(PROTOCOL)
    protocols[1].write_text(PROTOCOL.replace("A Street View photo in", "A photo from"))
    return TinyBench(folder, models, (sets[0], sets[1]), protocols)
