"""Packages built ahead of time for one device: AOTInductor's `step_B.pt2`, and TensorRT's engines in `step_B.ep`."""

import platform
from pathlib import Path
from typing import Any

import torch

from realtime.errors import ModelError
from realtime.model_spec import ModelSpec, read_manifest
from realtime.runners.device_runner import DeviceRunner, demand_device, gpu_name, on_gpu
from realtime.runners.device_step import Program
from realtime.runners.fallback import first_that_works
from realtime.runners.processor import extensions
from realtime.runners.runner import Runner


def built_for(device: str) -> dict[str, str]:
    """What a package depends on; kept in its manifest under `origin.built_for`."""
    if torch.device(device).type == "cuda":
        return {"device": "cuda", "processor": gpu_name(), "torch": torch.__version__, "cuda": str(torch.version.cuda)}
    return {"device": "cpu", "processor": f"{platform.machine()} {' '.join(sorted(extensions()))}", "torch": torch.__version__}


def tensorrt_version() -> str:
    """Of TensorRT and of what drives it: engines fit no other."""
    import tensorrt
    import torch_tensorrt

    return f"{tensorrt.__version__}, torch_tensorrt {torch_tensorrt.__version__}"


def demand_built_for(folder: Path, spec: ModelSpec, here: dict[str, str]) -> None:
    """Raises ModelError where a package was built for something else than what is here."""
    made = spec.origin.get("built_for", {})
    differs = [f"{name}: built for {made.get(name)!r}, here {value!r}" for name, value in here.items() if made.get(name) != value]
    if differs:
        raise ModelError(f"{folder} was built for another machine ({'; '.join(differs)}): export the checkpoint on this one")


class AotInductorRunner(DeviceRunner):
    """Runs AOTInductor's packages on the device that they were built for; on a GPU inside a CUDA graph."""

    def __init__(self, folder: Path, *, graphs: bool = True, threads: int = 1) -> None:
        spec = read_manifest(folder)
        if not any(name.endswith(".pt2") for name in spec.files):
            raise ModelError(f"{folder} holds no AOTInductor packages: a folder exported with `--to aotinductor` was expected")
        device = str(spec.origin.get("built_for", {}).get("device", "cpu"))
        super().__init__(folder, device=device, graphs=graphs, threads=threads)
        demand_built_for(folder, spec, built_for(device))
        self._folder = folder

    def program(self, size: int) -> Program:
        from torch._inductor import aoti_load_package  # heavy, and only here

        path = self._folder / f"step_{size}.pt2"
        try:
            # its own locking asks the GPU for events, which a capture forbids; one worker owns the runner anyway
            package: Any = aoti_load_package(str(path), run_single_threaded=True)
        except Exception as error:  # torch has no error class in common
            raise ModelError(f"{path} is no package that torch can load ({error})") from error
        return lambda *inputs: tuple(package(*inputs))


class TensorRtRunner(DeviceRunner):
    """Runs TensorRT's engines inside a CUDA graph. `open_tensorrt` falls back where they do not fit this GPU."""

    def __init__(self, folder: Path, *, graphs: bool = True) -> None:
        super().__init__(folder, device="cuda", graphs=graphs)
        import torch_tensorrt

        here = {**built_for("cuda"), "tensorrt": tensorrt_version()}
        demand_built_for(folder, self._spec, here)
        self._folder, self._runtime = folder, torch_tensorrt

    def program(self, size: int) -> Program:
        module = self._runtime.load(str(self._folder / f"step_{size}.ep")).module()
        return lambda *inputs: tuple(module(*inputs))


def open_tensorrt(folder: Path) -> Runner:
    """TensorRT where the engines fit this GPU; else torch on the same GPU, with the reason in the log.

    Raises ConfigError where there is no GPU at all.
    """
    demand_device("cuda")
    return first_that_works(folder, {"TensorRT": TensorRtRunner, **on_gpu()})
