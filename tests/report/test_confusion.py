"""Countries taken for each other, counted by hand."""

import pyarrow as pa

from streetclip.report.answers import Answers
from streetclip.report.confusion import STEPS, Cell, matrix, mixups

ROWS = [
    ("FR", "FR", 1.0),
    ("FR", "BE", 100.0),
    ("FR", "BE", 300.0),
    ("FR", "US", 6000.0),
    ("BE", "FR", 200.0),
    ("US", "US", 9.0),
    ("US", "us", None),
    (None, "US", 5.0),
]


def answers() -> Answers:
    names = ("true_country", "predicted_country", "distance_km")
    return Answers(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in ROWS]))


def test_mistakes_are_counted_by_pair_and_the_most_frequent_comes_first() -> None:
    found = [(m.true, m.predicted, m.n, m.share, m.median_km) for m in mixups(answers())]
    assert found == [
        ("France", "Belgium", 2, 0.5, 200.0),
        ("Belgium", "France", 1, 1.0, 200.0),
        ("France", "United States", 1, 0.25, 6000.0),
    ]
    assert len(mixups(answers(), most=1)) == 1


def test_rows_of_the_matrix_add_up_to_the_photographs_of_a_country() -> None:
    whole = matrix(answers(), most=2)
    assert whole.names == ("France", "United States")
    counts = [[cell.n for cell in row] for row in whole.rows]
    assert counts == [[1, 1, 2], [0, 2, 0]]
    assert [[cell.same for cell in row] for row in whole.rows] == [
        [True, False, False],
        [False, True, False],
    ]


def test_cells_darken_with_their_share_and_empty_ones_are_blank() -> None:
    steps = [Cell(n, n / 100, False).step for n in (0, 1, 5, 20, 40, 70, 100)]
    assert steps == [0, 1, 2, 3, 4, 5, 5]
    assert max(steps) == len(STEPS)


def test_nothing_known_gives_an_empty_matrix() -> None:
    unknown = Answers(
        pa.table(
            {
                "true_country": pa.array([None], pa.string()),
                "predicted_country": ["FR"],
                "distance_km": [1.0],
            }
        )
    )
    assert matrix(unknown).names == ()
    assert mixups(unknown) == []
