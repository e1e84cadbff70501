import torch
from safetensors import safe_open

from ssdp_neuro.training.networks.tensor_file import tensor_file

TENSORS = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.tensor([1], dtype=torch.int8)}


def test_tensor_file__same_bytes_whatever_the_order_of_the_metadata():
    metadata = {letter: f"{letter} ü" for letter in "abcdefgh"}
    turned = dict(reversed(metadata.items()))
    # the library's own order is drawn anew for each file
    files = {tensor_file(TENSORS, given) for given in (metadata, turned) for _ in range(4)}
    assert len(files) == 1


def test_tensor_file__holds_what_it_was_given(tmp_path):
    metadata = {"format": "x", "model": "ü" * 7}
    path = tmp_path / "some.safetensors"
    path.write_bytes(tensor_file(TENSORS, metadata))
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == metadata
        assert {name: file.get_tensor(name).tolist() for name in file.keys()} == {  # noqa: SIM118
            name: tensor.tolist() for name, tensor in TENSORS.items()
        }
