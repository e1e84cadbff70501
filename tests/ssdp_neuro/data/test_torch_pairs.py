"""Our data sets in PyTorch's loaders, and PyTorch's in our training and comparison."""

import numpy as np
import pytest
import torch
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)

from conversions.quantization.calibration import Calibration
from hw_models import InputError, ShapeError, SsdpError, TypeMismatchError
from ssdp_neuro.data import (
    Augmented,
    DataSettings,
    DataSplit,
    Disturbed,
    IndexedPairs,
    SpikeDataset,
    as_spike_dataset,
    as_split,
    from_arrays,
    load,
)
from ssdp_neuro.training import feed_forward, fit
from tests.ssdp_neuro.training.run.made_runs import (
    N_CLASSES,
    N_INPUTS,
    N_STEPS,
    ToySpikes,
    toy_config,
    toy_split,
    weights,
)

PLAIN = {"rule__kind": "none", "model__quantize_from_epoch": None, "training__epochs": 2}


class OwnPairs(IndexedPairs, ToySpikes):
    """A data set of a user's own that is given items by index."""


@pytest.fixture(scope="module")
def digits():
    return load(DataSettings(name="digits", n_steps=5, encoding="rate"))


def data_sets(digits):
    recorded = as_spike_dataset("x", [(np.ones((4, 3), bool), 0), (np.zeros((4, 3), bool), 1)] * 9)
    return {
        "images": digits.train,
        "augmented": Augmented(dataset=digits.train, mirror=True, shift=1),
        "disturbed": Disturbed(dataset=digits.test, jitter=1.0),
        "stored": recorded,
        "own": OwnPairs(30, 1),
    }


@pytest.mark.parametrize("name", ["images", "augmented", "disturbed", "stored", "own"])
@pytest.mark.parametrize("n_workers", [0, 2])
def test_data_loader__gives_the_spikes_of_the_indices(digits, name, n_workers):
    data = data_sets(digits)[name]
    some = Subset(data, [5, 2, 11, 0, 7])
    loader = DataLoader(some, batch_size=3, num_workers=n_workers)
    spikes, labels = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert (spikes.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert spikes.tolist() == data.spikes([5, 2, 11, 0, 7]).astype(float).tolist()
    assert labels.tolist() == data.labels[[5, 2, 11, 0, 7]].tolist()


def test_data_sets__are_sequences_of_pairs():
    data = OwnPairs(7, 1)
    assert [label for _, label in data] == data.labels.tolist()
    assert data[-1][0].tolist() == data[6][0].tolist() == data.spikes([6])[0].tolist()
    for index in (7, -8):
        with pytest.raises(IndexError, match=f"sample {index} of 7"):
            data[index]
    joined = ConcatDataset([data, data])
    assert joined[9][1] == data.labels[2]
    first, second = random_split(data, [4, 3])
    assert sorted(label for part in (first, second) for _, label in part) == sorted(data.labels)


class ByIndex(Dataset):
    def __init__(self, data, change=lambda pair: pair):
        self.data, self.change = data, change

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        spikes = torch.as_tensor(self.data.spikes([index])[0])
        return self.change((spikes, torch.tensor(self.data.labels[index])))


class Streamed(IterableDataset):
    def __init__(self, data):
        self.data = data

    def __iter__(self):
        for index in range(len(self.data)):
            yield self.data.spikes([index])[0], int(self.data.labels[index])


FORMS = {
    "by index": ByIndex,
    "streamed": Streamed,
    "list": lambda d: list(Streamed(d)),
    "tensors": lambda d: TensorDataset(
        torch.as_tensor(d.spikes(np.arange(len(d)))).double().requires_grad_(),
        torch.as_tensor(d.labels, dtype=torch.int16),
    ),
    "loader": lambda d: DataLoader(ByIndex(d), batch_size=7),
    "loader of a stream": lambda d: DataLoader(Streamed(d), batch_size=7),
    "loader of samples": lambda d: DataLoader(ByIndex(d), batch_size=None),
    "loader of ours": lambda d: DataLoader(as_spike_dataset("x", Streamed(d)), batch_size=7),
}


@pytest.fixture(scope="module")
def usual():
    """A run on pairs; ToySpikes itself would draw anew in every epoch."""
    data = [as_spike_dataset("x", list(Streamed(part))) for part in toy_split().parts]
    return fit(toy_config(**PLAIN), data=data, show_progress=False)


@pytest.mark.parametrize("form", FORMS)
def test_fit__the_same_run_whatever_the_samples_come_in(form, usual):
    parts = [FORMS[form](part) for part in toy_split().parts]
    given = fit(toy_config(**PLAIN), data=parts, show_progress=False)
    assert weights(given.model) == weights(usual.model)
    assert (given.history, given.test_accuracy) == (usual.history, usual.test_accuracy)


@pytest.mark.parametrize("form", ["by index", "loader"])
def test_compare__takes_a_data_set_or_loader_of_pytorch(form, tmp_path):
    from conversions.comparison.model_comparison import compare
    from conversions.execution import Executor
    from ssdp_neuro.training import save_model

    model = feed_forward((N_INPUTS, 8, N_CLASSES), gain=3.0, current_decay=4095, voltage_decay=9)
    save_model(model, tmp_path / "m.safetensors")
    data = ToySpikes(40, 3)
    found = [
        compare(tmp_path / "m.safetensors", given, calibration=calibration)
        for given, calibration in ((data, data), (FORMS[form](data), FORMS[form](data)))
    ]
    ours, theirs = (one.runs[0].parts[Executor.ENGINE] for one in found)
    assert ours.decisions.tolist() == theirs.decisions.tolist()
    assert ours.spikes.tolist() == theirs.spikes.tolist()


def test_as_split__counts_classes_over_all_parts_and_needs_no_validation():
    def pairs(*labels):
        return [(np.eye(3, dtype=bool), label) for label in labels]

    split = as_split((pairs(0, 1), None, pairs(0, 4)))
    assert split.n_classes == 5
    assert split.class_names == ("0", "1", "2", "3", "4")
    assert [len(part) for part in split.parts] == [2, 0, 2]
    assert all(isinstance(part, SpikeDataset) for part in split.parts)
    assert as_split(split) is split


ONE = np.zeros((4, 3), dtype=bool)


class HalfASet:
    labels = np.zeros(3)

    def spikes(self, indices, *, epoch=0):
        return None


@pytest.mark.parametrize(
    ("samples", "error", "words"),
    [
        (3, TypeMismatchError, "x: int; a SpikeDataset, or"),
        ("text", TypeMismatchError, "x: str; a SpikeDataset, or"),
        ({"spikes": ONE}, TypeMismatchError, "x: dict; a SpikeDataset, or"),
        (None, TypeMismatchError, "x: NoneType"),
        ([], InputError, "x: no samples"),
        ([ONE], TypeMismatchError, r"sample 0: ndarray; a pair \(spikes, label\)"),
        ([(ONE, 0), (ONE, 0, 1)], TypeMismatchError, "sample 1: tuple; a pair"),
        ([(ONE, 0), (ONE[:2], 0)], ShapeError, r"sample 1: spikes of shape \(2, 3\); \(4, 3\)"),
        ([(ONE[0], 0)], ShapeError, r"sample 0: spikes of shape \(3,\); \(T, "),
        ([(ONE, 0), (ONE + 0.5, 0)], InputError, r"sample 1: value 0\.5 at"),
        ([(ONE, 0.0)], TypeMismatchError, "label of shape .* float64"),
        ([(ONE, np.zeros((2, 2), int))], TypeMismatchError, "label of shape"),
        ([(ONE, 2), (ONE, -1)], InputError, "label -1 of sample 1; from 0"),
        ([(np.zeros((4, 3, 2)), np.zeros(3, int))], ShapeError, "batch first is needed: 3 sam"),
        ([(np.zeros((4, 5, 2)), np.zeros(3, int))], ShapeError, r"\(B,\) are needed$"),
        (HalfASet(), TypeMismatchError, "HalfASet has no n_steps"),
        (toy_split(), TypeMismatchError, "x: DataSplit"),
    ],
)
def test_as_spike_dataset__refuses_what_is_none(samples, error, words):
    with pytest.raises(error, match=words):
        as_spike_dataset("x", samples)


def test_fit__says_which_part_is_wrong():
    pairs = list(Streamed(ToySpikes(30, 1)))
    config = toy_config(**PLAIN)
    for data, words in (
        ((pairs, pairs), r"data: tuple; a DataSplit, or \(train, validation, test\)"),
        ((pairs, pairs, None), r"data\.test: NoneType"),
        ((pairs, 3, pairs), r"data\.validation: int"),
        ((pairs, [(ONE, 0)], pairs), "must be alike"),
    ):
        with pytest.raises(SsdpError, match=words):
            fit(config, data=data, show_progress=False)
    with pytest.raises(TypeMismatchError, match=r"DataSplit\.train: list; a SpikeDataset"):
        DataSplit(train=pairs, validation=pairs, test=pairs, class_names=("a",))


def test_labels__of_spikes_with_time_first_say_batch_first(tmp_path):
    spikes = np.zeros((N_STEPS, 9, N_INPUTS), dtype=bool)
    spikes[0] = True
    labels = np.arange(9) % 3
    words = r"\(T, B, \.\.\.\), and batch first is needed: 9 samples"
    with pytest.raises(InputError, match=words):
        Calibration(spikes=spikes, labels=labels)
    with pytest.raises(ShapeError, match=words):
        from_arrays(spikes, labels)
    with pytest.raises(ShapeError) as other:
        from_arrays(spikes, labels[:5])
    assert "batch first" not in str(other.value)
