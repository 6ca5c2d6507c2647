"""`--to aotinductor`: torch.export and AOTInductor, one package a batch size, compiled for the device that this runs on."""

import shutil
import warnings
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch._inductor import aoti_compile_and_package

from export import torch_target
from export.flat_graph import FlatStep
from export.proof import Proof
from realtime.errors import ConfigError
from realtime.model_spec import ModelSpec, write_manifest
from realtime.runners.device_runner import PRECISIONS, dtype_of
from realtime.runners.package_runner import AotInductorRunner, built_for
from realtime.runners.ports import step_inputs

COMPILERS = ("g++", "c++", "clang++")


def write(generator: nn.Module, spec: ModelSpec, folder: Path, proof: Proof) -> ModelSpec:
    """Raises ConfigError where there is no compiler, ModelError where a package strays."""
    demand_compiler()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    precision = PRECISIONS[dtype_of(device)]
    spec = replace(spec, precisions=[precision])
    spec.origin["built_for"] = built_for(device)
    torch_target.write_weights(generator, folder)
    placed = on_device(generator, spec, device)
    for batch in spec.batches:
        program = exported(placed, example(spec, batch, device))
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            aoti_compile_and_package(program, package_path=str(folder / f"step_{batch}.pt2"))
    write_manifest(spec, folder)
    runner = AotInductorRunner(folder)
    for batch in spec.batches:
        if precision == "f32":
            proof.exactly(runner, batch)
        else:
            proof.visibly(runner, precision, batch)
    return spec


def on_device(generator: nn.Module, spec: ModelSpec, device: str) -> FlatStep:
    """A copy of the step in the device's type: what proves it keeps the weights that were not rounded."""
    return FlatStep(deepcopy(generator).to(device, dtype_of(device)), spec).eval()  # type: ignore[arg-type]


def exported(step: nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.export.ExportedProgram:
    """The step as a graph of its own. torch warns of the views that an LSTM keeps of its weights; they are only read."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.export.export(step, inputs)


def example(spec: ModelSpec, batch: int, device: str) -> tuple[torch.Tensor, ...]:
    """Inputs of a step of `batch` sessions, in their types on the device."""
    kinds = {"float32": dtype_of(device), "int64": torch.int64}
    return tuple(torch.ones(batch, *shape, dtype=kinds[kind], device=device) for shape, kind in step_inputs(spec).values())


def demand_compiler() -> None:
    """Raises ConfigError."""
    if not any(shutil.which(name) for name in COMPILERS):
        raise ConfigError(
            f"AOTInductor needs a C++ compiler, and none of {', '.join(COMPILERS)} is here: apt-get install g++, or export with "
            "`--to torch`, which needs none"
        )
