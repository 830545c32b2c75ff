import numpy as np
import pytest

from streetclip.data.randomness import Purpose, keyed_bits, keyed_generator, permutation


def test_equal_keys_give_equal_numbers_and_other_keys_do_not() -> None:
    def draw(**changes: int) -> int:
        key = {"seed": 1, "epoch": 2, "first": 3, "second": 4} | changes
        bits = keyed_bits(
            key["seed"],
            key["epoch"],
            purpose=Purpose(changes.get("purpose", Purpose.WINDOW)),
            first=key["first"],
            second=key["second"],
        )
        return int(bits.random_raw())

    changes: list[dict[str, int]] = [
        {"seed": 2},
        {"epoch": 3},
        {"first": 4},
        {"second": 3},
        {"purpose": Purpose.SHARDS},
    ]
    assert draw() == draw()
    assert len({draw(), *(draw(**change) for change in changes)}) == 6


def test_the_stream_of_a_key_never_changes() -> None:
    bits = keyed_bits(42, 1, purpose=Purpose.CAPTION, first=2, second=3)
    reference = np.random.Philox(key=[42, 1], counter=[0, 3, 2, 4])
    assert bits.random_raw(3).tolist() == reference.random_raw(3).tolist()


def test_negative_and_huge_seeds_are_seeds_of_their_own() -> None:
    seeds = [0, 1, -1, 2**63 + 1, 2**63 + 2]
    draws = {keyed_generator(seed, 0, purpose=Purpose.AUGMENT).random() for seed in seeds}
    assert len(draws) == 5


@pytest.mark.parametrize("length", [0, 1, 2, 3, 64, 1000])
def test_a_permutation_holds_every_number_once(length: int) -> None:
    order = permutation(keyed_bits(0, 0, purpose=Purpose.SHARDS), length)
    assert sorted(order.tolist()) == list(range(length))


def test_every_order_of_three_is_equally_likely() -> None:
    bits = keyed_bits(5, 0, purpose=Purpose.SHARDS)
    orders = [tuple(permutation(bits, 3).tolist()) for _ in range(6000)]
    counts = [orders.count(order) for order in set(orders)]
    # Chi-square with 5 degrees of freedom exceeds 20.5 once in a thousand.
    assert len(counts) == 6
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 20.5


def test_the_order_of_a_permutation_is_that_of_its_random_bits() -> None:
    low = np.uint64(4)
    raw = keyed_bits(9, 9, purpose=Purpose.WINDOW).random_raw(10)
    expected = sorted(range(10), key=lambda position: (int(raw[position] >> low), position))
    assert permutation(keyed_bits(9, 9, purpose=Purpose.WINDOW), 10).tolist() == expected
