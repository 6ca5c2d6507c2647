"""`untrained:SYSTEM/PRESET`: a model folder of random weights, for `facewire bench generator --all`.

Its proof is short: a few frames say the same numbers. What rounding does to pictures is not asked, for they show nothing.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from export.export import export
from export.proof import Proof
from realtime.runners.untrained import untrained
from training import checkpoint as checkpoints
from training.checkpoint import UNTRAINED, Checkpoint


def export_untrained(name: str, target: str, folder: Path, batches: tuple[int, ...]) -> Proof:
    """name: SYSTEM/PRESET.

    Raises ConfigError where there is no such generator or target, or one that cannot be built here; ModelError.
    """
    generator = untrained(name)
    kept = Checkpoint(
        system=name.split("/")[0],
        config=generator.config.to_dict(),  # type: ignore[union-attr,operator]
        step=0,
        weights=generator.state_dict(),
        training={},
        recipe={UNTRAINED: True},
        data={"corpus": "none"},
    )
    with TemporaryDirectory() as place:
        path = Path(place) / "untrained.pt"
        checkpoints.save(kept, path)
        return export(path, target, folder, batches=batches)
