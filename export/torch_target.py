"""`--to torch`: the generator's own weights, for the reference on a processor and for torch on a GPU.

What a GPU makes of them in half precision is proven too: on the GPU that is there, else in bfloat16 on the processor.
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from export.proof import MIXED_BATCH, SEEN_BATCH, Proof
from realtime.model_spec import ModelSpec, write_manifest
from realtime.runners.device_runner import PRECISIONS, DeviceRunner
from realtime.runners.torch_runner import WEIGHTS, TorchRunner


def write(generator: nn.Module, spec: ModelSpec, folder: Path, proof: Proof) -> ModelSpec:
    """Raises ModelError."""
    spec = replace(spec, batches=[])
    write_weights(generator, folder)
    write_manifest(spec, folder)
    proof.exactly(TorchRunner(folder), MIXED_BATCH)
    rounded = DeviceRunner(folder) if torch.cuda.is_available() else DeviceRunner(folder, device="cpu", dtype=torch.bfloat16)
    precision = PRECISIONS[rounded.dtype]
    proof.visibly(rounded, precision, SEEN_BATCH)
    return replace(spec, precisions=[*spec.precisions, precision])


def write_weights(generator: nn.Module, folder: Path) -> None:
    """What every folder for torch holds: the generator in float32."""
    config = generator.config.to_dict()  # type: ignore[union-attr,operator]
    torch.save({"config": config, "weights": generator.state_dict()}, folder / WEIGHTS)
