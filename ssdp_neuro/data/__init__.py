"""Data sets as spikes: readers, encoders and splits; NumPy only until a data set needs more."""

from ssdp_neuro.data.array_dataset import from_arrays, to_arrays
from ssdp_neuro.data.codes.augmentation import Augmented
from ssdp_neuro.data.codes.disturbance import Disturbed
from ssdp_neuro.data.dataset import DataSplit, IndexedPairs, SpikeDataset
from ssdp_neuro.data.formats.event_recordings import event_packets
from ssdp_neuro.data.images import EncodedImages
from ssdp_neuro.data.loading import DATA_SETS, load
from ssdp_neuro.data.settings import DataSettings, Encoding, ValidationBy
from ssdp_neuro.data.subset import Subset, few_of_each, of_classes, split_of_classes
from ssdp_neuro.data.torch_pairs import as_spike_dataset, as_split

__all__ = [
    "DATA_SETS",
    "Augmented",
    "DataSettings",
    "DataSplit",
    "Disturbed",
    "EncodedImages",
    "Encoding",
    "IndexedPairs",
    "SpikeDataset",
    "Subset",
    "ValidationBy",
    "as_spike_dataset",
    "as_split",
    "event_packets",
    "few_of_each",
    "from_arrays",
    "load",
    "of_classes",
    "split_of_classes",
    "to_arrays",
]
