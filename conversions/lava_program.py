"""A network as connected Lava Processes, for a Lava program of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hw_models import FixedPointNetwork, InputError, TypeMismatchError
from ssdp_neuro.engine.spike_input import spike_input

if TYPE_CHECKING:
    from hw_models.lava_processes.model import LavaModel


def to_lava(
    network: FixedPointNetwork, spikes: Any = None, n_steps: int | None = None
) -> LavaModel:
    """Build the Lava Processes that compute a network bit for bit.

    They are Lava's own (LIF, LIFReset, Dense, DelayDense, Sparse, DelaySparse, Conv) wherever
    these express a population or a projection exactly, else processes of this
    distribution. Plastic projections keep their weights.

    Parameters
    ----------
    network
        What to build.
    spikes
        Input spikes of one sample, see
        :func:`ssdp_neuro.engine.spike_input.spike_input`; they become Lava ring buffers.
        None to leave the inputs silent.
    n_steps
        Steps of the input; needed with spikes. If it is None the model has no
        sources, and :meth:`LavaModel.connect_input` feeds it from Processes of yours.

    Returns
    -------
    LavaModel
        The Processes by name, with ``connect_input``, ``record_spikes`` and
        ``record_state``. Run it with ``process.run(condition=RunSteps(n_steps),
        run_cfg=model.run_config)`` on any of them, and stop it.

    Raises
    ------
    MissingExtraError
        If Lava is not installed; names the commands that install it.
    ExecutorError
        If ``multiprocessing`` has a start method under which Lava's runtime cannot work.
    InputError, ShapeError
        If the spikes are not usable, or are a batch: Lava runs one sample.

    Notes
    -----
    This call, or ``import hw_models.lava_processes``, comes before the program's own imports
    of Lava: it makes Lava importable on Python 3.11 and later. Lava's runtime forks; call it
    before threads are started, or use :func:`conversions.run_lava`.

    Examples
    --------
    A model of two neurons, run and recorded::

        model = to_lava(network, spikes, n_steps=20)
        sink = model.record_spikes("out", 20)
        neurons = model.populations["out"]
        neurons.run(condition=RunSteps(num_steps=20), run_cfg=model.run_config)
        raster = sink.data.get().T
        neurons.stop()
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"network: {network!r}; a FixedPointNetwork is needed")
    if n_steps is None and spikes is not None:
        raise InputError("to_lava: spikes without n_steps; n_steps is needed with them")
    from hw_models.lava_processes.compatibility import require_fork
    from hw_models.lava_processes.model import build_model

    require_fork()
    if n_steps is None:
        return build_model(network)
    given = spike_input(network, spikes, n_steps)
    if given.n_samples is not None:
        raise InputError(
            f"to_lava: a batch of {given.n_samples} samples; one sample without a batch axis"
            " is needed (conversions.run_lava runs batches)"
        )
    rasters = given.rasters(network, n_steps)
    return build_model(network, {name: raster[0] for name, raster in rasters.items()})
