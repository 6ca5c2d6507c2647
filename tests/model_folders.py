"""Small model folders for tests: real generators, really exported, without the export command's proofs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from export.openvino_graph import write_graphs
from export.parity import offline
from realtime.features.windows import Window
from realtime.generators.tcsan.generator import TcsanGenerator
from realtime.model_spec import N_MFCC, WINDOW_HOPS, write_manifest
from realtime.runners.runner import Arrays
from realtime.runners.torch_runner import WEIGHTS, spec_of
from training import checkpoint as checkpoints
from training.checkpoint import Checkpoint


def write_torch(folder: Path, generator: TcsanGenerator) -> Path:
    """A folder for the torch runner."""
    folder.mkdir()
    torch.save({"config": generator.config.to_dict(), "weights": generator.state_dict()}, folder / WEIGHTS)
    write_manifest(replace(spec_of(generator, "tcsan", {}), target="torch"), folder)
    return folder


def write_openvino(folder: Path, generator: TcsanGenerator) -> Path:
    """A folder for the OpenVINO runner, weights in float32."""
    folder.mkdir()
    spec = spec_of(generator, "tcsan", {})
    write_graphs(generator, spec, folder)
    write_manifest(spec, folder)
    return folder


def write_checkpoint(path: Path, generator: TcsanGenerator) -> Path:
    """What `facewire train` would leave."""
    kept = Checkpoint(
        system="tcsan",
        config=generator.config.to_dict(),
        step=7,
        weights=generator.state_dict(),
        training={},
        recipe={"preset": generator.config.preset},
        data={"corpus": "none"},
    )
    checkpoints.save(kept, path)
    return path


def with_lookahead(generator: TcsanGenerator, lookahead: int) -> TcsanGenerator:
    """The same weights, another share of the future."""
    other = TcsanGenerator(replace(generator.config, lookahead=lookahead))
    other.load_state_dict(generator.state_dict())
    return other.eval()


def random_crop(seed: int) -> NDArray[np.uint8]:
    """Something like a portrait's crop [112, 112, 4]."""
    return np.random.default_rng(seed).integers(0, 256, (112, 112, 4), dtype=np.uint8)


def random_windows(seed: int, n_frames: int) -> list[Window]:
    mfcc = np.random.default_rng(seed).standard_normal((n_frames, N_MFCC, WINDOW_HOPS)).astype(np.float32)
    return [Window(index=index, mfcc=one, voiced=True) for index, one in enumerate(mfcc)]


def offline_outputs(generator: TcsanGenerator, crop: NDArray[np.uint8], windows: list[Window]) -> Arrays:
    """What the generator itself says of the whole stream at once, in float64: name → [T, ...]."""
    mfcc = np.stack([window.mfcc for window in windows])
    return offline(generator, crop, mfcc)
