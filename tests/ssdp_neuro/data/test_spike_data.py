import numpy as np
import pytest

from hw_models import InputError, ShapeError, SsdpError
from ssdp_neuro.data.codes.encoding import latency_code
from ssdp_neuro.data.formats.idx_file import read_labelled_images
from ssdp_neuro.data.spike_data import SpikeSamples, load_samples
from tests.ssdp_neuro.data.made_files import mnist_like, recordings_file


def load(data, n_inputs, n_steps=6, **more):
    settings = {"train_per_class": 2, "test_per_class": 1, "seed": 0, **more}
    return load_samples(data, n_inputs=n_inputs, n_steps=n_steps, **settings)


def test_load_samples__images_are_coded_and_pooled(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0))
    train, test = load(tmp_path, 16)
    assert train.spikes.shape == (8, 6, 16)
    assert np.bincount(train.labels).tolist() == [2, 2, 2, 2]
    assert np.bincount(test.labels).tolist() == [1, 1, 1, 1]
    images, labels = read_labelled_images(tmp_path, "train")
    known = latency_code(images / 255, 6).reshape(12, 6, 16)
    for spikes, label in zip(train.spikes, train.labels, strict=True):
        assert any((spikes == one).all() for one in known[labels == label])
    pooled, _ = load(tmp_path, 4)
    assert pooled.spikes.shape == (8, 6, 4)
    quarters = images.reshape(12, 2, 2, 2, 2).mean(axis=(2, 4)) / 255
    few = latency_code(quarters, 6).reshape(12, 6, 4)
    assert all((few == one).all(axis=(1, 2)).any() for one in pooled.spikes)


def test_load_samples__seed_chooses(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0), per_class=9)
    one, same, other = (load(tmp_path, 16, seed=seed)[0] for seed in (1, 1, 2))
    assert (one.spikes == same.spikes).all()
    assert {s.tobytes() for s in one.spikes} != {s.tobytes() for s in other.spikes}


def test_load_samples__recordings(tmp_path):
    recordings_file(tmp_path / "few.zip", np.random.default_rng(0))
    by_folder, by_file = load(tmp_path, 2 * 17 * 17)[0], load(tmp_path / "few.zip", 578)[0]
    assert by_folder.spikes.shape == (4, 6, 578)
    assert (by_folder.spikes == by_file.spikes).all()
    assert sorted(by_file.labels.tolist()) == [0, 0, 1, 1]


def test_load_samples__arrays_keep_samples_apart(tmp_path):
    rng = np.random.default_rng(0)
    spikes, labels = rng.random((10, 6, 5)) < 0.5, np.arange(10) % 2
    np.savez(tmp_path / "data.npz", spikes=spikes, labels=labels)
    train, test = load(tmp_path / "data.npz", 5, train_per_class=9, test_per_class=2)
    assert (len(train), len(test)) == (6, 4)
    found = np.concatenate([train.spikes, test.spikes])
    assert sorted(map(bytes, found)) == sorted(map(bytes, spikes))


def test_load_samples__digits():
    train, test = load("digits", 64)
    assert np.bincount(train.labels).tolist() == [2] * 10
    assert test.spikes.shape == (10, 6, 64)


def wrong(folder):
    """Data that cannot be used, by name."""
    rng = np.random.default_rng(0)
    mnist_like(folder, rng)
    spikes = np.zeros((4, 6, 5), dtype=bool)
    (folder / "empty").mkdir()
    np.savez(folder / "names.npz", samples=spikes)
    np.savez(folder / "steps.npz", spikes=spikes[:, :5], labels=np.arange(4))
    np.savez(folder / "floats.npz", spikes=spikes * 0.5, labels=np.arange(4))
    np.savez(folder / "labels.npz", spikes=spikes, labels=np.arange(3))
    np.savez(folder / "single.npz", spikes=spikes, labels=np.arange(4))
    (folder / "text.npz").write_text("hello")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("missing", "no such folder"),
        ("empty", "no file train-images"),
        ("names.npz", "not a NumPy archive of spikes and labels"),
        ("text.npz", "not a whole NumPy archive"),
        ("steps.npz", "(B, 6, 5) are needed"),
        ("floats.npz", "float64"),
        ("labels.npz", "labels of shape (3,)"),
        ("single.npz", "one sample of class 0"),
    ],
)
def test_load_samples__names_what_cannot_be_used(tmp_path, data, words):
    wrong(tmp_path)
    with pytest.raises(InputError) as refused:
        load(tmp_path / data, 5)
    assert str(tmp_path / data) in str(refused.value)
    assert words in str(refused.value)


def test_load_samples__says_which_sizes_fit(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0))
    with pytest.raises(ShapeError, match=r"do not make 5 inputs; .* \[1, 4, 16\]"):
        load(tmp_path, 5)
    with pytest.raises(SsdpError, match="train_per_class: 0"):
        load(tmp_path, 16, train_per_class=0)


def test_spike_samples__first_of_each_after_some():
    labels = np.array([0, 1, 0, 1, 0, 1])
    samples = SpikeSamples(spikes=np.eye(6, dtype=bool).reshape(6, 1, 6), labels=labels)
    assert samples.first_of_each(1, skip=1).spikes.argmax(axis=2).ravel().tolist() == [2, 3]
    assert samples.of_classes([1]).spikes.argmax(axis=2).ravel().tolist() == [1, 3, 5]
    with pytest.raises(ShapeError, match=r"labels \(5,\)"):
        SpikeSamples(spikes=samples.spikes, labels=labels[:5])
