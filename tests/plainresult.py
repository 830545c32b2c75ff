"""A result with known numbers, outside of the tests of reports."""

from typing import Any

import pyarrow as pa
from tests.report.conftest import row

from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import measure


def plain_result(n: int = 20, **changes: Any) -> Result:
    """Every second photograph is answered 10 degrees too far east.

    Args:
        n: Photographs.
        changes: Fields of the result.
    """
    table = pa.Table.from_pylist([row(number) for number in range(n)], schema=SCHEMA)
    given: dict[str, Any] = {
        "set_name": "val",
        "model": "tiny",
        "weights_digest": "a" * 64,
        "protocol": "paper",
        "protocol_digest": "b" * 64,
        "shard_set_digest": "c" * 64,
        "photos": n,
        "unreadable": (),
        "outside_protocol": 0,
        "unknown_country": 0,
        "prompts": 3,
        "matching_batch": 32,
        "resamples": 20,
        "seed": 0,
        "values": measure(table, resamples=20),
        "predictions": table,
    }
    return Result(**given | changes)
