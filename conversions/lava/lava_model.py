"""A network as connected Lava Processes, for a Lava program of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conversions.lava.lava_learning import task_rasters
from conversions.lava.learning_schedules import schedules_of
from hw_models import FixedPointNetwork, InputError, TypeMismatchError
from hw_models.choices import choice
from hw_models.errors import brief
from hw_models.learning_schedule import LearningForm, learning_plan
from ssdp_neuro.engine.learning_task import learning_task
from ssdp_neuro.engine.spike_input import spike_input
from ssdp_neuro.engine.teaching import Teaching

if TYPE_CHECKING:
    from hw_models.lava_processes.lava_model import LavaModel


def to_lava(
    network: FixedPointNetwork,
    spikes: Any = None,
    n_steps: int | None = None,
    *,
    learning: LearningForm | str | None = None,
    teaching: Teaching | None = None,
    rules: bool = False,
) -> LavaModel:
    """Build the Lava Processes that compute a network bit for bit.

    They are Lava's own (LIF, LIFReset, Dense, DelayDense, Sparse, DelaySparse, Conv) wherever
    these express a population or a projection exactly, else processes of this
    distribution. Plastic projections keep their weights unless ``learning`` or ``rules`` say
    how they change them.

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
    learning
        None, or the form of learning, a :class:`LearningForm` or its word. ``PROCESS``
        computes integer DA-SSDP bit for bit in a Process of this distribution. ``LOIHI``
        replays every sample, in as many steps and one more, to Lava's unmodified
        three-factor ``LearningDense``: compatible with Loihi 2 in form, checked in Lava's
        CPU model, nothing more. With learning, spikes are those of ``B`` samples.
    teaching
        With learning only, as of :func:`ssdp_neuro.learn`.
    rules
        Whether every projection with a :class:`hw_models.LearningRule` learns by it, in Lava's
        unmodified ``LearningDense`` that listens to the target's spikes;
        ``model.projections[name].weights`` are the weights. Where a rule has
        ``PostTraces.SENT``, numbers are yours to connect to ``s_in_y1``, ``s_in_y2``, ``s_in_y3``.

    Returns
    -------
    LavaModel
        The Processes by name, with ``connect_input``, ``record_spikes`` and
        ``record_state``. Run it with ``process.run(condition=RunSteps(n_steps),
        run_cfg=model.run_config)`` on any of them, and stop it. With learning, run it for
        ``B * epochs * model.plan.clock.period`` steps; ``model.plastic[name].synapses.weights``
        are the learned weights, and spikes count in the first ``n_steps`` of a period.

    Raises
    ------
    MissingExtraError
        If Lava is not installed; names the commands that install it.
    ExecutorError
        If ``multiprocessing`` has a start method under which Lava's runtime cannot work.
    InputError, ShapeError
        If the spikes are not usable, or are a batch: Lava runs one sample.
    RangeError
        If Lava cannot learn so: rules of listed synapses, with delays, or with random numbers
        other than ``RandomStream.LAVA``.

    Notes
    -----
    This call, or ``import hw_models.lava_processes``, comes before the program's own imports
    of Lava: it makes Lava importable on Python 3.11 and later. Lava's runtime forks; call it
    before threads are started, or use :func:`conversions.run_lava`.

    Examples
    --------
    With its input, run and recorded::

        model = to_lava(network, spikes, n_steps=20)
        sink = model.record_spikes("out", 20)
        neurons = model.populations["out"]
        neurons.run(condition=RunSteps(num_steps=20), run_cfg=model.run_config)
        raster = sink.data.get().T
        neurons.stop()

    As part of a program of Lava Processes, here fed and read while it runs::

        model = to_lava(network)
        injector, extractor = Injector(shape=(n_inputs,)), Extractor(shape=(n_outputs,))
        model.connect_input("in", injector.out_port)
        neurons = model.populations["out"]  # has a_in, s_out, u and v, as any LIF of Lava
        neurons.s_out.connect(extractor.in_port)
        neurons.create_runtime(run_cfg=model.run_config)
        for frame in frames:
            injector.send(frame)
            neurons.run(condition=RunSteps(num_steps=1))
            spikes = extractor.receive()
        neurons.stop()
    """
    if not isinstance(network, FixedPointNetwork):
        raise TypeMismatchError(f"network: {brief(network)}; a FixedPointNetwork is needed")
    if learning is not None:
        if rules:
            raise InputError("to_lava: learning or rules; samples and epochs are not mixed")
        return _learning_model(network, spikes, n_steps, learning, teaching)
    if teaching is not None:
        raise InputError("teaching: only with learning from samples")
    if n_steps is None and spikes is not None:
        raise InputError("to_lava: spikes without n_steps; n_steps is needed with them")
    from hw_models.lava_processes.compatibility import require_fork
    from hw_models.lava_processes.lava_model import build_model

    require_fork()
    if n_steps is None:
        return build_model(network, rules=rules)
    given = spike_input(network, spikes, n_steps)
    if given.n_samples is not None:
        raise InputError(
            f"to_lava: a batch of {given.n_samples} samples; one sample without a batch axis"
            " is needed (conversions.run_lava runs batches)"
        )
    rasters = given.rasters(network, n_steps)
    inputs = {name: raster[0] for name, raster in rasters.items()}
    return build_model(network, inputs, rules=rules)


def _learning_model(
    network: FixedPointNetwork,
    spikes: Any,
    n_steps: int | None,
    learning: LearningForm | str,
    teaching: Teaching | None,
) -> LavaModel:
    form = choice("learning", learning, LearningForm)
    if spikes is None or n_steps is None:
        raise InputError("to_lava: learning needs spikes and n_steps")
    from hw_models.lava_processes.compatibility import require_fork
    from hw_models.lava_processes.lava_model import build_model

    require_fork()
    task = learning_task(network, spikes, teaching, n_steps=n_steps)
    plan = learning_plan(network, task.n_steps, form, schedules_of(task))
    return build_model(network, task_rasters(task, plan.clock), plan)
