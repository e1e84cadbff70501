"""Maxima of what neurons are given: refused, or converted as something else that is said."""

import numpy as np
import pytest
import snntorch as snn
import torch
import torch.nn.functional as nnf
from torch import nn

from conversions.pytorch.model_conversion import from_torch
from conversions.pytorch.network.model_reading import read_model
from conversions.pytorch.pooling import Pooling
from conversions.real_network.simulator import simulate_real
from hw_models import ConversionError, TypeMismatchError

SPIKES = np.random.default_rng(0).random((30, 10, 1, 12, 12)) < 0.3


class Net(nn.Module):
    """As tutorial 6 of snnTorch has it, by functions; ``kind`` says what it does instead."""

    def __init__(self, kind="maximum"):
        super().__init__()
        torch.manual_seed(3)
        self.conv1, self.conv2, self.fc = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 2), nn.Linear(24, 5)
        self.lif1, self.lif2, self.lif3 = (snn.Leaky(beta=0.7, threshold=0.3) for _ in range(3))
        self.kind = kind

    def pooled(self, lif, current, mem):
        if self.kind == "after-spikes":
            spk, mem = lif(current, mem)
            return nnf.max_pool2d(spk, 2), mem
        pool = nnf.avg_pool2d if self.kind == "average" else nnf.max_pool2d
        return lif(pool(current, 2), mem)

    def forward(self, x):
        mem1, mem2, mem3 = (lif.init_leaky() for lif in (self.lif1, self.lif2, self.lif3))
        made = []
        for step in x:
            spk, mem1 = self.pooled(self.lif1, self.conv1(step), mem1)
            spk, mem2 = self.pooled(self.lif2, self.conv2(spk), mem2)
            spk, mem3 = self.lif3(self.fc(spk.flatten(1)), mem3)
            made.append(spk)
        return torch.stack(made)


def own_classes(model):
    with torch.no_grad():
        return model(torch.tensor(SPIKES, dtype=torch.float32).transpose(0, 1)).sum(0).argmax(1)


@pytest.mark.parametrize("kind", Pooling)
def test_read_model__reads_the_model_that_pools_otherwise(kind):
    """The very same network as of a model that is written so; decisions are the given model's."""
    found = read_model(Net(), spikes=SPIKES, pooling=kind)
    other = read_model(Net(kind.value), spikes=SPIKES)
    assert [p.name for p in found.network.populations] == [
        p.name for p in other.network.populations
    ]
    runs = [simulate_real(one.network, SPIKES).spikes for one in (found, other)]
    for name, spikes in runs[0].items():
        np.testing.assert_array_equal(spikes, runs[1][name])
        assert spikes.any()
    assert found.decided.tolist() == own_classes(Net()).tolist()
    assert other.decided.tolist() == own_classes(Net(kind.value)).tolist()
    changed = np.mean(found.decided != other.decided)
    assert any(f"by that alone {changed:.2%} of the decisions change" in n for n in found.notes)


@pytest.mark.kernel
def test_from_torch__compares_decisions_with_the_model_as_it_is():
    own = own_classes(Net()).numpy()
    _, report = from_torch(Net(), calibration=(SPIKES, own), pooling="average")
    assert report.accuracy_before == 1.0
    assert report.decisions_changed > 0


def test_from_torch__offers_what_may_stand_in_the_place_of_a_maximum():
    with pytest.raises(ConversionError, match="pooling='after-spikes' or pooling='average'"):
        from_torch(Net(), calibration=SPIKES)
    with pytest.raises(TypeMismatchError, match=r"pooling: 'max'; .*'after-spikes', 'average'"):
        from_torch(Net(), calibration=SPIKES, pooling="max")


def test_read_model__says_where_pooling_cannot_be_put_after_spikes():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(4),
        snn.Leaky(beta=0.8, threshold=0.1, init_hidden=True),
    )
    with pytest.raises(ConversionError, match="comes between a maximum over currents and the neu"):
        read_model(model, spikes=SPIKES, pooling=Pooling.AFTER_SPIKES)
    assert read_model(model, spikes=SPIKES, pooling=Pooling.AVERAGE).sent["3"].any()


def test_read_model__a_function_may_pool_spikes_at_several_places():
    found = read_model(Net("after-spikes"), spikes=SPIKES)
    names = [population.name for population in found.network.populations]
    assert names[2] == "maximum of lif1"
    assert "maximum of lif2" in names


@pytest.mark.kernel
def test_from_torch__shows_how_far_a_long_conversion_is(monkeypatch, capsys):
    monkeypatch.setattr("ssdp_neuro.progress.BAR_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    model = nn.Sequential(nn.Flatten(), nn.Linear(144, 5), snn.Leaky(beta=0.8, init_hidden=True))
    from_torch(model, calibration=SPIKES, progress=True)
    assert "layers: 2" in capsys.readouterr().err
    from_torch(model, calibration=SPIKES, progress=False)
    assert capsys.readouterr().err == ""
