"""`--to checkpoint`: a checkpoint's weights alone, in half precision, small enough to pass on. The built-in model's lies
beside it (`realtime.weights.default_checkpoint`)."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from export import torch_target
from export.export import build
from export.proof import Proof
from realtime.errors import ModelError
from realtime.model_spec import sha256, write_manifest
from realtime.runners.torch_runner import TorchRunner, spec_of
from training import checkpoint as checkpoints
from training.checkpoint import Checkpoint


def halve(source: Path, target: Path) -> Proof:
    """Writes `target` once the rounded weights were seen to show what those of `source` show. Nothing can go on training from it.

    Raises ModelError where `source` cannot be read, or rounding changes what is seen.
    """
    kept = checkpoints.load(source)
    generator = build(kept)
    spec = replace(spec_of(generator, kept.system, {}), target="torch", batches=[])
    half = _halved(kept, sha256(source))
    if large := [name for name, value in half.weights.items() if value.is_floating_point() and not value.isfinite().all()]:
        raise ModelError(
            f"weights of {source} do not fit half precision ({', '.join(large[:3])}): up to 65504 was expected; "
            f"{target} was not written"
        )
    proof = Proof(generator, spec, target)
    with TemporaryDirectory() as folder:
        torch_target.write_weights(build(half), Path(folder))
        write_manifest(spec, Path(folder))
        proof.visibly(TorchRunner(Path(folder)), "half", 1)
    target.parent.mkdir(parents=True, exist_ok=True)
    checkpoints.save(half, target)
    return proof


def _halved(kept: Checkpoint, source_hash: str) -> Checkpoint:
    weights = {name: value.half() if value.is_floating_point() else value for name, value in kept.weights.items()}
    recipe = {**kept.recipe, "halved_from": source_hash}
    return Checkpoint(
        system=kept.system, config=kept.config, step=kept.step, weights=weights, training={}, recipe=recipe, data=kept.data
    )
