"""torch on a GPU: state stays on the device, the step is one CUDA graph a batch size, frames come back through pinned memory.

On `device="cpu"` the same code runs without the graph and the pinning: that is how it is tested where there is no GPU, and how
AOTInductor's packages run on a processor. On a GPU, the step is launch-bound below some 16 sessions: the graph takes that away.
"""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from realtime.errors import ConfigError
from realtime.generators.streaming import StreamingGenerator
from realtime.model_spec import ModelSpec, read_manifest
from realtime.runners.device_step import DeviceStep, Program, floating, owned
from realtime.runners.fallback import first_that_works
from realtime.runners.runner import Arrays, Runner, fitting, in_parts, portrait_input
from realtime.runners.torch_runner import TorchRunner, load_generator

log = logging.getLogger(__name__)

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
HAS_BFLOAT16 = (8, 0)  # compute capability from which a GPU multiplies bfloat16
PRECISIONS = {torch.bfloat16: "bf16", torch.float16: "f16", torch.float32: "f32"}


class DeviceRunner:
    """Runs a generator on a device. Batches are filled up to the next of `sizes`; larger ones are run in parts.

    dtype: None for `dtype_of` the device. graphs: whether steps are captured.
    """

    def __init__(
        self, folder: Path, *, device: str = "cuda", dtype: torch.dtype | None = None, graphs: bool = True, threads: int = 1
    ) -> None:
        demand_device(device)
        self._spec = read_manifest(folder)
        self.device = torch.device(device)
        on_gpu = self.device.type == "cuda"
        if not on_gpu:
            torch.set_num_threads(threads)
        self.dtype = dtype or dtype_of(device)
        self._graphs = graphs and on_gpu
        generator = load_generator(folder, self._spec).to(self.device, self.dtype)
        self._generator: StreamingGenerator = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._steps: dict[int, DeviceStep] = {}
        self._sizes = sorted(self._spec.batches) or list(SIZES)

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    @property
    def weight_bytes(self) -> int:
        """What a step reads of the weights: all but the identity encoder's."""
        generator: nn.Module = self._generator  # type: ignore[assignment]
        read = [value for name, value in generator.named_parameters() if not name.startswith("identity_encoder")]
        return sum(value.numel() * value.itemsize for value in read)

    @torch.inference_mode()
    def prepare(self, crop: NDArray[np.uint8]) -> Arrays:
        portrait = torch.from_numpy(portrait_input(crop)).to(self.device, self.dtype)
        identity = self._generator.prepare(portrait)
        return owned({name: value.contiguous() for name, value in identity.items()})

    @torch.inference_mode()
    def compile(self, batch: int) -> None:
        size = fitting(self._sizes, batch)
        if size not in self._steps:
            self._steps[size] = DeviceStep(self._spec, self.program(size), size, self.device, self.dtype, capture=self._graphs)

    def program(self, size: int) -> Program:  # noqa: ARG002 - packages are built for one size
        """What a step of a batch size runs: here the generator itself."""
        spec, generator = self._spec, self._generator

        def step(window: Tensor, end: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
            n = len(spec.identity)
            identity = dict(zip(spec.identity, rest[:n], strict=True))
            outputs, after = generator.step(identity, window, end, dict(zip(spec.state, rest[n:], strict=True)))
            return (*(outputs[name] for name in spec.outputs), *(after[name] for name in spec.state))

        return step

    def initial_state(self, batch: int) -> Arrays:
        state = self._generator.initial_state(batch)
        return owned({name: value.to(self.device, floating(value.dtype, self.dtype)) for name, value in state.items()})

    @torch.inference_mode()
    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        return in_parts(self._run, self._sizes[-1], identity, window, end, state)

    def _run(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        self.compile(len(window))
        return self._steps[fitting(self._sizes, len(window))].run(identity, window, end, state)


def open_torch(folder: Path) -> Runner:
    """torch where it is fastest: on a GPU, else the reference on the processor. The choice is logged."""
    if torch.cuda.is_available():
        log.info("torch runs on %s, in %s", gpu_name(), PRECISIONS[dtype_of("cuda")])
        return first_that_works(folder, on_gpu())
    log.warning("torch runs on the processor, where OpenVINO is several times faster: export with `--to openvino` for calls")
    return TorchRunner(folder)


def on_gpu() -> dict[str, Callable[[Path], Runner]]:
    """torch's ways on a GPU, the fastest first."""
    return {"torch with CUDA graphs": DeviceRunner, "torch without CUDA graphs": partial(DeviceRunner, graphs=False)}


def dtype_of(device: str) -> torch.dtype:
    """What a device is fast in: bfloat16 on a GPU that multiplies it, float16 on an older one, float32 on a processor, where
    torch's bfloat16 is no faster."""
    if torch.device(device).type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= HAS_BFLOAT16 else torch.float16


def demand_device(device: str) -> None:
    """Raises ConfigError where torch has no such device."""
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        built = "is built without CUDA" if torch.version.cuda is None else "sees no NVIDIA GPU"
        raise ConfigError(
            f"no GPU: torch {torch.__version__} {built}. On a machine with one, install torch from its ordinary index and look "
            "at `nvidia-smi`; without one, a folder exported with `--to openvino` serves on the processor"
        )


def gpu_name(device: Any = None) -> str:
    """The GPU's own name."""
    return str(torch.cuda.get_device_name(device))
