"""Lava's Processes that bring spikes into a program."""

from lava.proc.io.injector import Injector
from lava.proc.io.source import RingBuffer as SpikeSource

SOURCES = (SpikeSource, Injector)
