"""Keep a pole upright with a spiking network that lives in a session, a step at a time.

The network is fixed: 64 inputs say how far the pole leans and how fast it falls, the further the
more of them fire, and two neurons push. What they do changes what the inputs see next. The
state of the session is saved while the pole stands, and another session goes on from the file.

Prints:

    step   0: leans by  0.120
    step 100: leans by  0.003
    step 200: leans by  0.003
    step 300: leans by -0.003
    pushes: 56 to the left, 50 to the right
    nobody pushes: it falls in step 518
    from the file, step 200: again -0.003 after 100 steps
"""

import math
import tempfile
from pathlib import Path

import numpy as np

from hw_models import DenseProjection, FixedPointNetwork, InputPopulation, LifPopulation
from ssdp_neuro import Session, SessionState

LEVELS = 16  # spikes at most for each of: leans right, leans left, falls right, falls left
SECONDS_PER_STEP, GRAVITY, PUSH = 0.01, 9.81, 6.0


def network() -> FixedPointNetwork:
    """Each neuron pushes against its side: lean counts, and twice as much what is to come."""
    sees = np.repeat([40, -40, 80, -80], LEVELS)  # for a pole that leans, or falls, to the right
    neurons = LifPopulation(
        name="push", shape=(2,), current_decay=4095, voltage_decay=2048, threshold=50
    )
    synapses = DenseProjection(source="pole", target="push", weights=np.stack([sees, -sees]))
    pole = InputPopulation(name="pole", shape=(4 * LEVELS,))
    return FixedPointNetwork(populations=[pole, neurons], projections=[synapses])


def seen(angle: float, speed: float) -> np.ndarray:
    """Flags of the inputs: neuron ``k`` of a side fires beyond ``k + 0.5`` hundredths."""
    beyond = np.arange(LEVELS) + 0.5
    values = [100 * angle, -100 * angle, 10 * speed, -10 * speed]
    return np.concatenate([value > beyond for value in values])


def moved(angle: float, speed: float, push: float) -> tuple[float, float]:
    """The pole a step later."""
    speed += SECONDS_PER_STEP * (GRAVITY * math.sin(angle) + push)
    return angle + SECONDS_PER_STEP * speed, speed


def live(session: Session, pole: tuple[float, float], n_steps: int, strength: float = PUSH):
    """Let the network hold the pole; gives where the pole is, and the pushes to either side."""
    pushes = np.zeros(2, dtype=int)
    for _ in range(n_steps):
        fired = session.step(seen(*pole))["push"]  # 0 pushes to the left, 1 to the right
        pushes[fired] += 1
        pole = moved(*pole, strength * ((1 in fired) - float(0 in fired)))
        if abs(pole[0]) > 1:
            break
    return pole, pushes


session, pole, pushes = Session(network()), (0.12, 0.0), np.zeros(2, dtype=int)
with tempfile.TemporaryDirectory() as folder:
    for _ in range(3):
        print(f"step {session.n_steps:3}: leans by {pole[0]:6.3f}")
        if session.n_steps == 200:
            session.state().save(Path(folder, "standing.h5"))
            standing = pole
        pole, new = live(session, pole, 100)
        pushes += new
    print(f"step {session.n_steps:3}: leans by {pole[0]:6.3f}")
    print(f"pushes: {pushes[0]} to the left, {pushes[1]} to the right")
    live(session, pole, 1000, strength=0.0)
    print(f"nobody pushes: it falls in step {session.n_steps}")
    other = Session(network())
    other.restore(SessionState.load(Path(folder, "standing.h5")))
print(
    f"from the file, step {other.n_steps}: again {live(other, standing, 100)[0][0]:.3f}"
    " after 100 steps"
)
