import numpy as np

from benchmarks.eprop_hidden import CANDIDATES, KINDS, inner_parts, network, ridge


def test_candidates__as_many_for_each_kind_and_each_makes_a_network():
    for name, kinds in CANDIDATES.items():
        assert len({len(given) for given in kinds}) == 1, name
        for kind, given in zip(KINDS, kinds, strict=True):
            for options in given:
                made = network(kind, 6, 4, 3, 0, **options)
                assert made.projections[-1].weights.shape == (3, 6 if kind == KINDS[2] else 4)
                learns = made.projections[0].plasticity is not None
                assert learns == (kind != "hidden frozen")


def test_network__learned_and_frozen_begin_with_the_same_weights():
    learned, frozen = (network(kind, 6, 4, 3, 7, shift=15) for kind in KINDS[:2])
    for one, other in zip(learned.projections, frozen.projections, strict=True):
        assert (one.weights == other.weights).all()


def test_inner_parts__hold_out_a_fifth_of_the_training_samples():
    spikes = np.arange(50 * 2 * 3).reshape(50, 2, 3)
    kept, labels, held, held_labels = inner_parts((spikes, np.arange(50), None, None))
    assert (len(kept), len(held)) == (40, 10)
    assert sorted([*labels, *held_labels]) == list(range(50))
    assert (spikes[held_labels] == held).all()


def test_ridge__reads_counts_and_chooses_its_penalty_without_the_test():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 4
    spikes = rng.random((200, 5, 8)) < 0.2
    spikes[np.arange(200), :, labels] = True
    assert ridge((spikes, labels, spikes, labels)) > 95
    assert ridge((spikes, labels, ~spikes, labels)) < 40
