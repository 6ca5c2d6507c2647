"""One batch size of a step on a device: inputs and outputs at fixed addresses, the captured graph, pinned memory on the host.

What crosses between host and device does so in the host's own types: a copy that also converts would not be one transfer, and
the conversions belong to the graph.
"""

import threading
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from realtime.model_spec import ModelSpec
from realtime.runners.device_array import DeviceArray
from realtime.runners.ports import Port, step_inputs, step_outputs
from realtime.runners.runner import Arrays

WARM_UP_STEPS = 3  # before a capture: kernels are chosen and workspaces taken meanwhile

Program = Callable[..., tuple[Tensor, ...]]
"""The step on tensors laid flat: the inputs and outputs of `ports.py`, in their order."""

FROM_HOST = ("window", "end")
_one_capture = threading.Lock()  # CUDA knows one at a time in a process


class DeviceStep:
    """Runs a program for up to `size` sessions. Made and used under `torch.inference_mode`; not thread-safe.

    State: the identity that lies in the inputs. Rows that no session fills hold whatever was there: no row hears another.
    """

    def __init__(
        self, spec: ModelSpec, program: Program, size: int, device: torch.device, dtype: torch.dtype, *, capture: bool
    ) -> None:
        self._spec, self._program, self._device, self._dtype = spec, program, device, dtype
        ports = step_inputs(spec)
        own = {name: torch.float32 if name in FROM_HOST else dtype for name in ports}
        self._inputs = {name: _buffer(size, port, device, own[name]) for name, port in ports.items()}
        self._host_in = {name: _host(size, ports[name], device) for name in FROM_HOST}
        self._host_out = {name: _host(size, step_outputs(spec)[name], device) for name in spec.outputs}
        self._identity: Arrays | None = None
        self._outputs: dict[str, Tensor] = {}
        self._copying = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._graph: torch.cuda.CUDAGraph | None = None
        if capture:
            self._capture()
        else:
            self._imitate_replay()

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
            for name, host in self._host_out.items():
                host[:count].copy_(self._outputs[name][:count], non_blocking=True)
        after = {name: self._outputs[f"next_{name}"][:count].clone() for name in self._spec.state}
        if copying is not None:
            copying.synchronize()  # the host's memory holds the frames, and the next step may overwrite the device's
        return {name: host[:count].numpy().copy() for name, host in self._host_out.items()}, owned(after)

    def _fill(self, arrays: Arrays, count: int) -> None:
        for name, value in arrays.items():
            self._inputs[name][:count].copy_(value.tensor)  # type: ignore[attr-defined]

    def _call(self) -> dict[str, Tensor]:
        inputs = {**self._inputs, "window": self._inputs["window"].to(self._dtype)}
        found = dict(zip(step_outputs(self._spec), self._program(*inputs.values()), strict=True))
        return found | {name: found[name].float().contiguous() for name in self._spec.outputs}

    def _capture(self) -> None:
        """Source: the capture recipe of PyTorch's notes on CUDA graphs: warm up on a side stream, then record."""
        side = torch.cuda.Stream(self._device)
        side.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                self._call()
        torch.cuda.current_stream(self._device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with _one_capture, torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._outputs = self._call()
        self._graph = graph


def owned(tensors: dict[str, Tensor]) -> Arrays:
    """Tensors as arrays that stay where they are."""
    return {name: DeviceArray(value) for name, value in tensors.items()}  # type: ignore[misc]


def floating(own: torch.dtype, chosen: torch.dtype) -> torch.dtype:
    """`chosen` for what is a floating-point number, its own type for the rest."""
    return chosen if own.is_floating_point else own


def _buffer(size: int, port: Port, device: torch.device, dtype: torch.dtype) -> Tensor:
    shape, kind = port
    return torch.zeros(size, *shape, device=device, dtype=floating(getattr(torch, kind), dtype))


def _host(size: int, port: Port, device: torch.device) -> Tensor:
    shape, kind = port
    return torch.zeros(size, *shape, dtype=getattr(torch, kind), pin_memory=device.type == "cuda")
