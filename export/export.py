"""Checkpoint → model folder: graphs, proof, manifest. Nothing is left behind that was not proven."""

import importlib
import shlex
import shutil
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from torch import nn

from export.proof import Proof
from realtime.errors import ConfigError, ModelError
from realtime.generators.registry import system
from realtime.model_spec import read_manifest, sha256, write_manifest
from realtime.runners.torch_runner import spec_of
from training.checkpoint import UNTRAINED, Checkpoint, load

TARGETS = {
    "openvino": "openvino_target",
    "openvino-int8": "openvino_target",
    "onnx": "onnx_target",
    "torch": "torch_target",
    "aotinductor": "aotinductor_target",
    "tensorrt": "tensorrt_target",
}
"""Name: module with `write(generator, spec, folder, proof) -> ModelSpec`: writes the files of `spec.target`, proves them, and
returns the specification with what was proven. Modules whose packages are an extra's are imported only when asked for."""
BATCHES = (1, 4, 8)
PACKAGES = ("torch", "openvino", "nncf", "onnx", "onnxruntime", "torch-tensorrt", "tensorrt")


def export(
    checkpoint: Path, target: str, folder: Path, figures: dict[str, Any] | None = None, batches: tuple[int, ...] = BATCHES
) -> Proof:
    """Writes a model folder; `figures` (an evaluation's summary) are kept in its manifest; `batches`: sizes of graphs that are
    fixed to one.

    Raises ModelError where the checkpoint cannot be read or the export strays from the generator, ConfigError for an unknown
    target, or one that cannot be built here.
    """
    if target not in TARGETS:
        raise ConfigError(f"no target {target!r}: one of {', '.join(TARGETS)} was expected")
    kept = load(checkpoint)
    generator = build(kept)
    spec = spec_of(generator, kept.system, _origin(checkpoint, kept, figures or {}))
    spec = replace(spec, target=target, batches=list(batches))
    proof = Proof(generator, spec, folder, learnt=not kept.recipe.get(UNTRAINED))
    module = importlib.import_module(f"export.{TARGETS[target]}")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        spec = module.write(generator, spec, partial, proof)
        spec.origin["parity"] = proof.figures()
        write_manifest(spec, partial)
        read_manifest(partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException:  # an interrupted export too
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return proof


def build(kept: Checkpoint) -> nn.Module:
    """The checkpoint's generator, ready to run."""
    kind = system(kept.system)
    generator = kind.build(kind.config_from_dict(kept.config))
    try:
        generator.load_state_dict(kept.weights)
    except RuntimeError as error:
        raise ModelError(f"the checkpoint's weights do not fit its configuration ({error})") from error
    return generator.eval()


def _origin(checkpoint: Path, kept: Checkpoint, figures: dict[str, Any]) -> dict[str, Any]:
    """Where the model comes from; `data` names the licences."""
    return {
        "checkpoint": {"name": checkpoint.name, "sha256": sha256(checkpoint)},
        "command": shlex.join(["facewire", *(Path(word).name if word.startswith("/") else word for word in sys.argv[1:])]),
        "recipe": kept.recipe,
        "steps": kept.step,
        "data": kept.data,
        "figures": figures,
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    """Of the packages that exports are made with, as far as they are here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
