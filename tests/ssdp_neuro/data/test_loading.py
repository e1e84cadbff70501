import numpy as np
import pytest

from hw_models import InputError
from ssdp_neuro.data import DATA_SETS, DataSettings, load
from ssdp_neuro.data.formats.idx_file import read_labelled_images
from ssdp_neuro.data.loading import _READERS
from tests.digits_parts import digits_parts
from tests.fresh_python import run_program
from tests.ssdp_neuro.data.made_files import idx_bytes, mnist_like
from tests.ssdp_neuro.data.places import REAL


def test_load__every_data_set_says_what_it_needs():
    assert set(DATA_SETS) == set(_READERS)


def test_load__digits_keep_their_held_out_quarter():
    split = load(DataSettings(name="digits", n_steps=8, encoding="bit-planes"))
    assert [len(part) for part in split.parts] == [1212, 135, 450]
    held_out = digits_parts().held_out
    spikes = split.test.spikes(range(450))
    level = (spikes[:, :, 0] * (128 >> np.arange(8)).reshape(1, 8, 1, 1)).sum(axis=1)
    assert (np.rint(level / 255 * 16) == np.rint(held_out.images * 16)).all()
    assert split.test.labels.tolist() == held_out.labels.tolist()
    assert split.class_names == tuple("0123456789")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "idx"])
def test_load__idx_files_keep_their_own_test(tmp_path, name):
    mnist_like(tmp_path, np.random.default_rng(0), per_class=5)
    split = load(DataSettings(name=name, folder=str(tmp_path), n_steps=8, encoding="bit-planes"))
    assert [len(part) for part in split.parts] == [18, 2, 20]
    assert split.n_classes == (4 if name == "idx" else 10)
    images, labels = read_labelled_images(tmp_path, "test")
    weights = (128 >> np.arange(8)).reshape(1, 8, 1, 1, 1)
    assert ((split.test.spikes(range(20)) * weights).sum(axis=1)[:, 0] == images).all()
    assert split.test.labels.tolist() == labels.tolist()
    assert split.train.input_shape == (1, 4, 4)
    pooled = load(DataSettings(name=name, folder=str(tmp_path), pool=2))
    assert pooled.input_shape == (1, 2, 2)


def test_load__random_spikes_belong_to_the_sample_not_to_its_part(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0), per_class=5)
    wish = {"name": "idx", "folder": str(tmp_path), "encoding": "rate"}
    whole = load(DataSettings(**wish, validation=0))
    few = load(DataSettings(**wish, validation=0.3, train_limit=6))
    known = {s.tobytes() for s in whole.train.spikes(range(20), epoch=4)}
    assert {s.tobytes() for s in few.train.spikes(range(6), epoch=4)} < known
    assert not {s.tobytes() for s in few.test.spikes(range(20), epoch=4)} & known


def test_load__refuses_labels_without_a_class(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0))
    labels = tmp_path / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(idx_bytes(np.full(12, 7, dtype=np.uint8)))
    with pytest.raises(InputError, match=r"label 7 of sample 12; allowed 0\.\.3"):
        load(DataSettings(name="idx", folder=str(tmp_path)))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"name": "imagenet"}, "data.name: 'imagenet'; one of ['"),
        ({"name": "mnist"}, "data.folder: not given; mnist needs train-images-idx3-ubyte"),
        ({"name": "mnist", "folder": "nowhere"}, "nowhere does not exist; mnist needs"),
        ({"name": "mnist", "folder": "."}, "train-images"),
    ],
)
def test_load__says_which_files_it_expects(tmp_path, monkeypatch, table, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        load(DataSettings(**table))
    assert words in str(refused.value)


def test_load__needs_no_heavy_package(tmp_path):
    mnist_like(tmp_path, np.random.default_rng(0), per_class=5)
    program = (
        "import sys; from ssdp_neuro.data import DataSettings, load;"
        "load(DataSettings(name='idx', folder=sys.argv[1])).train.spikes([0]);"
        "print([m for m in ('torch', 'tonic', 'scipy', 'sklearn', 'numba') if m in sys.modules])"
    )
    assert run_program(program, tmp_path).strip() == "[]"


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
def test_load__images_as_they_are_published(tmp_path, name):
    """On the real files where they lie, else on made ones."""
    folder = REAL / name
    if not folder.is_dir():
        folder = tmp_path
        mnist_like(folder, np.random.default_rng(0), per_class=200, side=28, n_classes=10)
    split = load(DataSettings(name=name, folder=str(folder), test_limit=500))
    assert len(split.train) == 9 * len(split.validation)
    assert len(split.test) == 500
    assert split.input_shape == (1, 28, 28)
    assert np.bincount(split.test.labels).min() >= 44
    assert 0.005 < split.test.spikes(range(100)).mean() < 0.1
