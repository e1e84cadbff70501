"""A framework's neurons and what a reader says of them, on the same currents."""

import numpy as np
import torch

N_STEPS = 12


def dyadic_currents(seed, *, shape=(5,), batch=6, low=-1.0, high=2.0):
    """Currents (B, T, *shape) in eighths, so that float32 is exact and ties happen."""
    generator = np.random.default_rng(seed)
    eighths = generator.integers(int(low * 8), int(high * 8) + 1, (batch, N_STEPS, *shape))
    return eighths / 8.0


def real_currents(seed, *, shape=(5,), batch=6, low=-1.0, high=2.0):
    """Currents (B, T, *shape) that are not special."""
    return np.random.default_rng(seed).uniform(low, high, (batch, N_STEPS, *shape))


def predicted(reading, currents):
    """Spikes and potentials (B, T, N) of a reading's dynamics, its own synapses included."""
    arriving = _through(reading.incoming, currents)
    batch, n_steps = arriving.shape[:2]
    shape = arriving.shape[2:]
    total = arriving.copy()
    if reading.recurrent is not None:
        before = np.zeros((batch, *shape))
        for t in range(n_steps):  # a spike changes nothing before the next step
            total[:, t] = arriving[:, t] + _through(reading.recurrent, before)
            spikes, _ = reading.dynamics.run(total.reshape(batch, n_steps, -1))
            before = spikes[:, t].reshape(batch, *shape).astype(float)
    return reading.dynamics.run(total.reshape(batch, n_steps, -1))


def _through(module, values):
    if module is None:
        return values
    parameters = [*module.parameters(), *module.buffers()]
    with torch.no_grad():
        return module(torch.tensor(values, dtype=parameters[0].dtype)).double().numpy()


def as_tensor(currents, module):
    """Currents in the precision of a module's parameters."""
    kept = [t for t in (*module.parameters(), *module.buffers()) if t.is_floating_point()]
    return torch.tensor(currents, dtype=kept[0].dtype if kept else torch.float32)


def flat(steps):
    """Tensor (B, T, ...) as array (B, T, N)."""
    return steps.detach().flatten(2).double().numpy()
