import json
import math

import pytest
import torch

from hw_models import NetworkFileError
from ssdp_neuro.training.run.tensor_tree import put_together, take_apart


def test_tensor_tree__comes_back_through_json():
    shared = torch.arange(4.0)
    value = {
        "a": {3: shared, "b": [shared[1:3], (1, None, True)]},
        "a.3": torch.tensor([2**40, -1]),
        "": [0.1, math.inf, "text", {}, torch.zeros(0, 2), torch.tensor(3, dtype=torch.uint8)],
    }
    tensors = {}
    tree = json.loads(json.dumps(take_apart(value, "x", tensors)))
    back = put_together(tree, tensors)
    assert repr(back) == repr(value)
    assert len(tensors) == 5
    assert len({tensor.data_ptr() for tensor in tensors.values() if tensor.numel()}) == 4


@pytest.mark.parametrize("value", [{1.5: 2}, {"a": object()}, [{1, 2}]])
def test_take_apart__refuses_what_json_and_tensors_cannot_hold(value):
    with pytest.raises(NetworkFileError, match="x"):
        take_apart(value, "x", {})


def test_put_together__misses_a_tensor():
    with pytest.raises(NetworkFileError, match=r"'x\.0' is missing"):
        put_together({"list": [{"tensor": "x.0"}]}, {})
