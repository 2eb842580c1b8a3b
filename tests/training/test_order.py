"""Which examples a step sees: every one once an epoch, whatever the processes and micro batches."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_star.core.errors import UsageError
from video_star.core.hashing import stable_shuffle
from video_star.training.job import fit_micro_batch
from video_star.training.order import Order, micro_batches


def training_order(
    lengths: list[int], epochs: int, batch_size: int, seed: int, pool: int | None
) -> list[list[int]]:
    """The batches of all windows."""
    order = Order(len(lengths), epochs, batch_size, seed, pool)
    of = dict(enumerate(lengths))
    made = [batch for number in range(order.windows) for batch in order.batches(number, of)]
    assert len(made) == order.steps
    return made


@given(
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=80),
    epochs=st.integers(1, 4),
    batch_size=st.sampled_from([1, 2, 8]),
    seed=st.integers(0, 99),
    pool=st.none() | st.integers(1, 20),
)
def test_every_example_is_seen_once_an_epoch(
    lengths: list[int], epochs: int, batch_size: int, seed: int, pool: int | None
) -> None:
    batches = training_order(lengths, epochs, batch_size, seed, pool)
    assert {len(batch) for batch in batches} == {batch_size}
    counts = Counter(index for batch in batches for index in batch)
    n = len(lengths)
    assert len(batches) == -(-epochs * n // batch_size)
    assert min(counts.values()) >= epochs
    assert sum(counts.values()) - epochs * n < batch_size


def test_batches_hold_examples_of_similar_length() -> None:
    lengths = [1 + 7 * i % 100 for i in range(400)]

    def padding(pool: int | None) -> int:
        return sum(
            max(lengths[i] for i in batch) * len(batch) - sum(lengths[i] for i in batch)
            for batch in training_order(lengths, 1, 8, 3, pool)
        )

    assert padding(pool=16) < 0.1 * sum(lengths)
    assert padding(pool=None) > 0.5 * sum(lengths)


@pytest.mark.parametrize(("micro", "world"), [(8, 1), (4, 2), (2, 2), (1, 4)])
def test_processes_and_micro_batches_change_nothing_about_what_a_step_sees(
    micro: int, world: int
) -> None:
    batches = training_order([5] * 30, 2, 8, 1, pool=16)
    shares = [micro_batches(batches, micro, world, rank) for rank in range(world)]
    per_step = 8 // (micro * world)
    for step, batch in enumerate(batches):
        seen = [
            i
            for share in shares
            for part in share[step * per_step : (step + 1) * per_step]
            for i in part
        ]
        assert sorted(seen) == sorted(batch)


def test_readable_examples_take_the_places_of_others() -> None:
    order = Order(20, 2, 4, 1, pool=2)
    for number in range(order.windows):
        readable = {i: 9 - i % 5 for i in order.window(number) if i % 7}
        flat = [i for batch in order.batches(number, readable) for i in batch]
        assert set(flat) == set(readable)
        assert len(flat) == len(order.window(number))


def test_the_order_is_that_of_a_list_of_all_epochs() -> None:
    """The order that finetunes have had from the first version on."""
    lengths = [1 + 7 * i % 10 for i in range(11)]
    flat = [i for epoch in range(3) for i in stable_shuffle(range(11), 5, "order", epoch)][:24]
    ordered = (
        sorted(flat[:16], key=lambda i: (lengths[i], i)),
        sorted(flat[16:], key=lambda i: (lengths[i], i)),
    )
    wanted = []
    for number, window in enumerate(ordered):
        cut = [window[at : at + 4] for at in range(0, len(window), 4)]
        wanted += stable_shuffle(cut, 5, "batches", number)
    assert training_order(lengths, 2, 4, 5, pool=4) == wanted


def test_the_micro_batch_is_the_largest_that_divides_the_share_of_a_process() -> None:
    assert fit_micro_batch(32, 1, 32) == 32
    assert fit_micro_batch(32, 2, 32) == 16
    assert fit_micro_batch(24, 2, 5) == 4
    with pytest.raises(UsageError, match="not divisible by 3"):
        fit_micro_batch(32, 3, 32)
