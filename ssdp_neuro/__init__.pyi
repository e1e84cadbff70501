from . import data as data
from . import plot as plot
from . import training as training
from .engine.learn_result import LearnResult as LearnResult
from .engine.learner import learn as learn
from .engine.plastic_synapses import PlasticSynapses as PlasticSynapses
from .engine.random_input import random_spikes as random_spikes
from .engine.results import EventCounts as EventCounts
from .engine.results import RunResult as RunResult
from .engine.session import Session as Session
from .engine.session_state import SessionState as SessionState
from .engine.simulator import simulate as simulate
from .engine.spike_input import SpikeInput as SpikeInput
from .engine.teaching import SampleStart as SampleStart
from .engine.teaching import Teaching as Teaching

__version__: str
