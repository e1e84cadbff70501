import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_models import InputError
from ssdp_neuro.training.run.batch_order import batches_of, n_batches, order_of


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 70), st.integers(1, 3), st.integers(0, 5))
def test_batches_of__ranks_share_the_batches_of_one_process(n_samples, size, n_ranks, epoch):
    whole = batches_of(3, epoch, n_samples, size)
    assert np.concatenate([batch.places for batch in whole]).tolist() == (
        order_of(3, epoch, n_samples).tolist()
    )
    sizes = {batch.n_all for batch in whole}
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1
    assert len(whole) == n_batches(n_samples, size)
    if min(sizes) < n_ranks:
        with pytest.raises(InputError, match="ranks need one sample each"):
            batches_of(3, epoch, n_samples, size, n_ranks=n_ranks)
        return
    ranks = [
        batches_of(3, epoch, n_samples, size, rank=rank, n_ranks=n_ranks) for rank in range(n_ranks)
    ]
    for batch, *parts in zip(whole, *ranks, strict=True):
        assert np.concatenate([part.places for part in parts]).tolist() == batch.places.tolist()
        assert all(len(part.places) for part in parts)
        assert {part.n_all for part in parts} == {batch.n_all}


def test_order_of__every_epoch_and_seed_has_its_own_for_ever():
    assert order_of(0, 0, 8).tolist() == [3, 7, 5, 4, 0, 6, 1, 2]
    orders = [order_of(seed, epoch, 50).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    assert all(sorted(order) == list(range(50)) for order in orders)
