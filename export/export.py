"""Checkpoint → model folder: graphs, parity gate, manifest. Nothing is left behind that was not proven."""

import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from export import openvino_graph, parity
from realtime.errors import ConfigError, ModelError
from realtime.generators.registry import system
from realtime.model_spec import ModelSpec, read_manifest, write_manifest
from realtime.runners.runner import load_runner
from realtime.runners.torch_runner import WEIGHTS, spec_of
from training.checkpoint import Checkpoint, load

TARGETS = ("openvino", "onnx", "torch")
BATCHES = (1, 4, 8)


def export(
    checkpoint: Path, target: str, folder: Path, figures: dict[str, Any] | None = None, batches: tuple[int, ...] = BATCHES
) -> parity.Parity:
    """Writes a model folder; `figures` (an evaluation's summary) are kept in its manifest; `batches`: sizes of the ONNX graphs.

    Raises ModelError where the checkpoint cannot be read or the export strays from the generator, ConfigError for an unknown
    target.
    """
    if target not in TARGETS:
        raise ConfigError(f"no target {target!r}: one of {', '.join(TARGETS)} was expected")
    kept = load(checkpoint)
    generator = build(kept)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    origin = {
        "recipe": kept.recipe,
        "steps": kept.step,
        "data": kept.data,
        "figures": figures or {},
        "versions": {name: metadata.version(name) for name in ("torch", "openvino")},
    }
    spec = spec_of(generator, kept.system, origin)
    try:
        if target == "openvino":
            openvino_graph.write_graphs(generator, spec, partial, half=False)
            exact = _prove(generator, spec, partial, target)
            parity.demand(exact, folder, parity.FLOAT_LIMIT)
            openvino_graph.write_graphs(generator, spec, partial, half=True)
            found = _prove(generator, spec, partial, target)
            parity.demand(found, folder, parity.HALF_LIMIT)
        else:
            if target == "onnx":
                from export import onnx_graph  # its packages are an extra's

                onnx_graph.write_graphs(generator, spec, partial, batches)
            else:
                torch.save({"config": kept.config, "weights": generator.state_dict()}, partial / WEIGHTS)
            exact = found = _prove(generator, spec, partial, target)
            parity.demand(exact, folder, parity.FLOAT_LIMIT)
        origin["parity"] = {"float32": exact.largest, "as_stored": found.largest, "frames": found.frames}
        write_manifest(spec, partial)
        read_manifest(partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException:  # an interrupted export too
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return found


def build(kept: Checkpoint) -> nn.Module:
    """The checkpoint's generator, ready to run."""
    kind = system(kept.system)
    generator = kind.build(kind.config_from_dict(kept.config))
    try:
        generator.load_state_dict(kept.weights)
    except RuntimeError as error:
        raise ModelError(f"the checkpoint's weights do not fit its configuration ({error})") from error
    return generator.eval()


def _prove(generator: nn.Module, spec: ModelSpec, folder: Path, target: str) -> parity.Parity:
    """Three sessions out of step in one batch, 100 frames each: speech-like windows, random portraits, start and end included."""
    write_manifest(spec, folder)
    rng = np.random.default_rng(0)
    mean, spread = generator.mfcc_mean.numpy(), generator.mfcc_std.numpy()  # type: ignore[operator]
    windows = mean[:, None] + spread[:, None] * rng.standard_normal((3, 100, 12, 28))
    crops = [rng.integers(0, 256, (112, 112, 4), dtype=np.uint8) for _ in range(3)]
    return parity.compare(generator, load_runner(folder, target), crops, windows.astype(np.float32))
