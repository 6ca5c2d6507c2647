"""The classifier's say in a generator's training: do the drawn faces show the units that the real ones do?"""

from collections.abc import Sequence

from torch import Tensor

from training.action_units.classifier import ActionUnitClassifier
from training.losses.action_units import action_units, occurrence_weights


class ActionUnitJudge:
    """The action-unit loss of drawn crops. Source: papers/1, eqs. (5)-(7) and (11); the classifier goes on learning by it (4.2).

    rates: how often each unit occurs in the training set, 0..1.
    """

    def __init__(self, rates: Sequence[float]) -> None:
        self.classifier = ActionUnitClassifier()
        self.weights = occurrence_weights(rates)

    def __call__(self, crop: Tensor, labels: Tensor) -> Tensor:
        """Crops [N, 3, 112, 112] in 0..1, labels 0 or 1 [N, 5] of the real frames."""
        return action_units(self.classifier(crop), labels, self.weights)
