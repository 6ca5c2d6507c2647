"""`--to tensorrt`: engines for the GPU that this runs on, by torch_tensorrt, one a batch size.

Engines are kept under ~/.cache/facewire/tensorrt, in a folder named by GPU, TensorRT version and graph: built once, found again.
"""

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from export import torch_target
from export.aotinductor_target import example, exported, on_device
from export.proof import Proof
from realtime.errors import ConfigError
from realtime.model_spec import ModelSpec, write_manifest
from realtime.runners.device_runner import PRECISIONS, demand_device, dtype_of, gpu_name
from realtime.runners.package_runner import TensorRtRunner, built_for, tensorrt_version


def write(generator: nn.Module, spec: ModelSpec, folder: Path, proof: Proof) -> ModelSpec:
    """Raises ConfigError where there is no GPU or no torch_tensorrt, ModelError where an engine strays."""
    runtime = demand_tensorrt()
    precision = PRECISIONS[dtype_of("cuda")]
    spec = replace(spec, precisions=[precision])
    version = tensorrt_version()
    spec.origin["built_for"] = {**built_for("cuda"), "tensorrt": version}
    torch_target.write_weights(generator, folder)
    placed = on_device(generator, spec, "cuda")
    left: set[str] = set()
    for batch in spec.batches:
        inputs = example(spec, batch, "cuda")
        program = exported(placed, inputs)
        with torch.no_grad():
            engine = runtime.dynamo.compile(program, arg_inputs=inputs, **settings(cache_folder(program, version)))
        left |= left_to_torch(engine)
        runtime.save(engine, str(folder / f"step_{batch}.ep"), arg_inputs=inputs)
    spec.origin["left_to_torch"] = sorted(left)
    write_manifest(spec, folder)
    runner = TensorRtRunner(folder)
    for batch in spec.batches:
        proof.visibly(runner, precision, batch)
    return spec


def demand_tensorrt() -> Any:
    """torch_tensorrt, where it can run.

    Raises ConfigError.
    """
    demand_device("cuda")
    try:
        import torch_tensorrt
    except (ImportError, OSError) as error:
        raise ConfigError(
            f'torch_tensorrt cannot be loaded ({error}): pip install "facewire[tensorrt]" beside TensorRT'
        ) from error
    return torch_tensorrt


def settings(cache: Path) -> dict[str, Any]:
    """The model is cast already, so no precision is named: torch_tensorrt types explicitly since 2.11."""
    cache.mkdir(parents=True, exist_ok=True)
    return {
        "cache_built_engines": True,
        "reuse_cached_engines": True,
        "engine_cache_dir": str(cache),
        "timing_cache_path": str(cache / "timing.bin"),
        "immutable_weights": False,  # engines that are found again by their graph are given these weights
        "min_block_size": 1,
    }


def left_to_torch(engine: nn.Module) -> set[str]:
    """Operators that TensorRT did not take: torch runs them beside the engine, in the same CUDA graph."""
    parts = [part for name, part in engine.named_children() if "_run_on_gpu" in name]
    return {str(node.target) for part in parts for node in part.graph.nodes if node.op == "call_function"}  # type: ignore[union-attr]


def cache_folder(program: torch.export.ExportedProgram, version: str) -> Path:
    """Named by GPU, TensorRT version and the hash of the graph's text."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "facewire" / "tensorrt" / cache_key(gpu_name(), version, str(program.graph))


def cache_key(gpu: str, version: str, graph: str) -> str:
    """A folder's name.

    >>> cache_key("NVIDIA H200", "2.13.0+cu130", "graph")
    'NVIDIA-H200_2.13.0-cu130_eef93e1d14482804'
    """
    words = [re.sub(r"[^A-Za-z0-9.]+", "-", word) for word in (gpu, version)]
    return "_".join([*words, hashlib.sha256(graph.encode()).hexdigest()[:16]])
