"""The game of a generator and a discriminator whose logits' sigmoid is the probability of a real frame.

Source: papers/2, eq. (4): the discriminator makes E log D(F) + E log(1 - D(F̂)) as large as it can. The generator's side is the
one that I. Goodfellow et al., *Generative adversarial nets*, 2014, section 3, advise: it makes log D(F̂) large instead of
log(1 - D(F̂)) small, whose gradient is gone wherever the discriminator is sure.
"""

from torch import Tensor
from torch.nn.functional import softplus


def discriminator(real: Tensor, drawn: Tensor) -> Tensor:
    """Logits of real and drawn frames [N] → the negative of eq. (4); 2 log 2 where it knows nothing."""
    return softplus(-real.float()).mean() + softplus(drawn.float()).mean()


def generator(drawn: Tensor) -> Tensor:
    """Logits of drawn frames [N] → -E log D(F̂)."""
    return softplus(-drawn.float()).mean()
