"""torch on a GPU: state stays on the device, the step is one CUDA graph a batch size, frames come back through pinned memory.

On `device="cpu"` the same code runs without the graph and the pinning: that is how it is tested where there is no GPU, and how
AOTInductor's packages run on a processor. On a GPU, the step is launch-bound below some 16 sessions: the graph takes that away.
"""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from realtime.errors import ConfigError
from realtime.generators.streaming import StreamingGenerator
from realtime.model_spec import ModelSpec, read_manifest
from realtime.runners.device_array import DeviceArray
from realtime.runners.ports import Port, step_inputs, step_outputs
from realtime.runners.runner import Arrays, Runner, portrait_input
from realtime.runners.torch_runner import TorchRunner, load_generator

log = logging.getLogger(__name__)

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
WARM_UP_STEPS = 3  # before a capture: kernels are chosen and workspaces taken meanwhile

Program = Callable[..., tuple[Tensor, ...]]
"""The step on tensors laid flat: the inputs and outputs of `ports.py`, in their order."""


class DeviceRunner:
    """Runs a generator on a device. Batches are filled up to the next of `sizes`; larger ones are refused.

    dtype: bfloat16 on a GPU, float32 on a processor. graphs: whether steps are captured.
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
        self.dtype = dtype or (torch.bfloat16 if on_gpu else torch.float32)
        self._graphs = graphs and on_gpu
        generator = load_generator(folder, self._spec).to(self.device, self.dtype)
        self._generator: StreamingGenerator = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._steps: dict[int, _Step] = {}
        self._sizes = self._spec.batches or list(SIZES)

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
        return _owned({name: value.contiguous() for name, value in identity.items()})

    @torch.inference_mode()
    def compile(self, batch: int) -> None:
        size = self._size(batch)
        if size not in self._steps:
            self._steps[size] = _Step(self._spec, self.program(size), size, self.device, self.dtype, capture=self._graphs)

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
        return _owned({name: value.to(self.device, _kind(value.dtype, self.dtype)) for name, value in state.items()})

    @torch.inference_mode()
    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        self.compile(len(window))
        return self._steps[self._size(len(window))].run(identity, window, end, state)

    def _size(self, batch: int) -> int:
        """The smallest size that holds a batch.

        Raises ConfigError where none does.
        """
        found = next((size for size in self._sizes if size >= batch), None)
        if found is None:
            raise ConfigError(f"a batch of {batch} sessions came, at most {self._sizes[-1]} fit one step of this model")
        return found


class _Step:
    """One batch size: inputs and outputs at fixed addresses, the captured graph, pinned memory on the host.

    State: the identity that lies in the inputs. Rows that no session fills hold whatever was there: no row hears another.
    """

    def __init__(
        self, spec: ModelSpec, program: Program, size: int, device: torch.device, dtype: torch.dtype, *, capture: bool
    ) -> None:
        self._spec, self._program, self._device = spec, program, device
        self._inputs = {name: _buffer(size, port, device, dtype) for name, port in step_inputs(spec).items()}
        self._host_in = {name: _host(size, step_inputs(spec)[name], device) for name in ("window", "end")}
        self._host_out = {name: _host(size, step_outputs(spec)[name], device) for name in spec.outputs}
        self._identity: Arrays | None = None
        self._outputs: dict[str, Tensor] = {}
        self._copying = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._graph: torch.cuda.CUDAGraph | None = None
        if capture:
            self._capture()

    def run(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        count = len(window)
        for name, value in (("window", window), ("end", end)):
            self._host_in[name][:count].copy_(torch.from_numpy(value))
            self._inputs[name][:count].copy_(self._host_in[name][:count], non_blocking=True)
        if identity is not self._identity:  # a batch that goes on brings the same ones
            self._fill(identity, count)
            self._identity = identity
        self._fill(state, count)
        if self._graph is not None:
            self._graph.replay()
        else:
            self._imitate_replay()
        return self._take_out(count)

    def _imitate_replay(self) -> None:
        """Without a graph: results are laid where the last ones were, and overwrite what a replay would overwrite."""
        found = self._call()
        if self._outputs:
            for name, value in found.items():
                self._outputs[name].copy_(value)
        else:
            self._outputs = {name: value.clone() for name, value in found.items()}

    def _take_out(self, count: int) -> tuple[Arrays, Arrays]:
        """Frames to the host on a stream of their own, while the state is kept from the next replay on the first one."""
        copying = self._copying
        if copying is not None:
            copying.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(copying) if copying is not None else nullcontext():
            for name in self._spec.outputs:
                self._host_out[name][:count].copy_(self._outputs[name][:count], non_blocking=True)
        after = {name: self._outputs[f"next_{name}"][:count].clone() for name in self._spec.state}
        if copying is not None:
            torch.cuda.current_stream(self._device).wait_stream(copying)  # the next step must not overwrite what is still read
            copying.synchronize()
        return {name: self._host_out[name][:count].numpy().copy() for name in self._spec.outputs}, _owned(after)

    def _fill(self, arrays: Arrays, count: int) -> None:
        for name, value in arrays.items():
            self._inputs[name][:count].copy_(value.tensor)  # type: ignore[attr-defined]

    def _call(self) -> dict[str, Tensor]:
        return dict(zip(step_outputs(self._spec), self._program(*self._inputs.values()), strict=True))

    def _capture(self) -> None:
        """Source: the capture recipe of PyTorch's notes on CUDA graphs: warm up on a side stream, then record."""
        side = torch.cuda.Stream(self._device)
        side.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                self._call()
        torch.cuda.current_stream(self._device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._outputs = self._call()
        self._graph = graph


def open_torch(folder: Path) -> Runner:
    """torch where it is fastest: on a GPU, else the reference on the processor. The choice is logged."""
    if torch.cuda.is_available():
        log.info("torch runs on %s, in bfloat16", gpu_name())
        return DeviceRunner(folder)
    log.warning("torch runs on the processor, where OpenVINO is several times faster: export with `--to openvino` for calls")
    return TorchRunner(folder)


def demand_device(device: str) -> None:
    """Raises ConfigError where torch has no such device."""
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        built = "is built without CUDA" if torch.version.cuda is None else "sees no NVIDIA GPU"
        raise ConfigError(
            f"no GPU: torch {torch.__version__} {built}. On a machine with one, install torch from its ordinary index and look "
            "at `nvidia-smi`; without one, a folder exported with `--to openvino` serves on the processor"
        )


def _owned(tensors: dict[str, Tensor]) -> Arrays:
    return {name: DeviceArray(value) for name, value in tensors.items()}  # type: ignore[misc]


def _kind(own: torch.dtype, floating: torch.dtype) -> torch.dtype:
    return floating if own.is_floating_point else own


def _buffer(size: int, port: Port, device: torch.device, dtype: torch.dtype) -> Tensor:
    shape, kind = port
    return torch.zeros(size, *shape, device=device, dtype=_kind(getattr(torch, kind), dtype))


def _host(size: int, port: Port, device: torch.device) -> Tensor:
    shape, kind = port
    return torch.zeros(size, *shape, dtype=getattr(torch, kind), pin_memory=device.type == "cuda")


def gpu_name(device: Any = None) -> str:
    """The GPU's own name."""
    return str(torch.cuda.get_device_name(device))
