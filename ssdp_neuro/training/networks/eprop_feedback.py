"""Weights by which e-prop's errors come down, where they are not the layers' own.

References
----------
Lillicrap et al., Nat. Commun. 7, 2016 (random); Kolen and Pollack, ICNN 1994, and Akrout et al.,
NeurIPS 2019 (adaptive: what changes the weights changes their feedback, and both decay).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ssdp_neuro.rules.eprop.feedback import Feedback, adapted_feedback, feedback_weights
from ssdp_neuro.training.networks.eprop_gradient import eprop_layers

FEEDBACK_SEED = 2**40  # above every seed of a run, so that no draw is that of the weights


class EpropFeedback:
    """One matrix for every layer but the first, of the shape of the layer's weights.

    Parameters
    ----------
    model
        What :func:`eprop_gradient.add_eprop_gradient` takes.
    kind
        ``RANDOM`` or ``ADAPTIVE``; symmetric feedback needs no matrices.
    seed
        Of the draw; each layer has its own.

    Raises
    ------
    InputError
        If e-prop cannot go through the model.
    """

    def __init__(self, model: nn.Module, kind: Feedback, seed: int) -> None:
        self.kind = kind
        self._forth = [layer.linear.weight for layer in eprop_layers(model)[1:]]
        self.weights: list[Tensor] = [
            feedback_weights(kind, weight.detach(), seed=seed + FEEDBACK_SEED * (place + 1))
            for place, weight in enumerate(self._forth)
        ]
        self._before: list[Tensor] = []

    def before_step(self) -> None:
        """Keep the weights, as they are about to change."""
        if self.kind is Feedback.ADAPTIVE:
            self._before = [weight.detach().clone() for weight in self._forth]

    def after_step(self, decay: float) -> None:
        """Change the feedback as the weights were changed, ``decay`` of them being lost.

        Parameters
        ----------
        decay
            Learning rate times weight decay: what a step takes off feedback and weights alike.

        Mutates
        -------
        the feedback weights
        """
        for place, before in enumerate(self._before):
            change = self._forth[place].detach() - (1.0 - decay) * before
            self.weights[place] = adapted_feedback(self.weights[place], change, decay)
        self._before = []

    def state_dict(self) -> dict[str, Any]:
        """The matrices, by place."""
        return {str(place): weight for place, weight in enumerate(self.weights)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take what :meth:`state_dict` gave for the same model.

        Mutates
        -------
        the feedback weights
        """
        self.weights = [
            state[str(place)].to(weight.device) for place, weight in enumerate(self._forth)
        ]
