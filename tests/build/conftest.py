import pyarrow as pa
import pytest
from tests.tinybench import TinyBench, write_tiny_bench

from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import measure


@pytest.fixture(scope="session")
def tiny_bench(tmp_path_factory: pytest.TempPathFactory) -> TinyBench:
    """Models, sets and protocols, only looked at."""
    return write_tiny_bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def tiny_result() -> Result:
    """A result of one photograph."""
    row = {"key": "a", "distance_km": 3.0, "true_latitude": 1.0, "true_longitude": 2.0}
    table = pa.Table.from_pylist([row], schema=SCHEMA)
    return Result(
        set_name="val",
        model="tiny",
        weights_digest="a" * 64,
        protocol="paper",
        protocol_digest="b" * 64,
        shard_set_digest="c" * 64,
        photos=1,
        unreadable=(),
        outside_protocol=0,
        unknown_country=0,
        prompts=3,
        matching_batch=1,
        resamples=10,
        seed=0,
        values=measure(table, resamples=10),
        predictions=table,
    )
