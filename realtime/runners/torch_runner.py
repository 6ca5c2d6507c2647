"""The generator itself, in torch: the reference that exports are compared with, and the way to run a checkpoint unexported."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from realtime.errors import ModelError
from realtime.generators.registry import system
from realtime.generators.streaming import StreamingGenerator, Tensors
from realtime.model_spec import ModelSpec, read_manifest
from realtime.runners.runner import FOREVER, Arrays, initial_state, portrait_input

WEIGHTS = "weights.pt"


class TorchRunner:
    """Runs `weights.pt` of a model folder that was exported to torch. threads: None for as many as torch takes."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._spec = read_manifest(folder)
        self._generator: StreamingGenerator = load_generator(folder, self._spec)  # type: ignore[assignment]

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    @torch.inference_mode()
    def prepare(self, crop: NDArray[np.uint8]) -> Arrays:
        return _arrays(self._generator.prepare(torch.from_numpy(portrait_input(crop))))

    def compile(self, batch: int) -> None:
        """Nothing to do: torch takes any batch size."""

    def initial_state(self, batch: int) -> Arrays:
        return initial_state(self._spec, batch)

    @torch.inference_mode()
    def step(self, identity: Arrays, window: NDArray[np.float32], end: NDArray[np.int64], state: Arrays) -> tuple[Arrays, Arrays]:
        outputs, after = self._generator.step(
            _tensors(identity), torch.from_numpy(window), torch.from_numpy(end), _tensors(state)
        )
        return _arrays(outputs), _arrays(after)


def load_generator(folder: Path, spec: ModelSpec) -> nn.Module:
    """The generator of a folder that holds `weights.pt`, ready to run.

    Raises ModelError where it holds none, or one that does not fit the manifest.
    """
    if WEIGHTS not in spec.files:
        raise ModelError(f"{folder} holds no {WEIGHTS}: a folder exported with `--to torch` was expected")
    kind = system(spec.system)
    try:
        kept = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
        config, weights = kept["config"], kept["weights"]
    except Exception as error:  # torch and pickle have no error class in common
        raise ModelError(f"{folder / WEIGHTS} holds no generator's weights ({error}): export the checkpoint again") from error
    generator: nn.Module = kind.build(kind.config_from_dict(config))
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(f"the weights of {folder / WEIGHTS} do not fit their configuration ({error})") from error
    found = spec_of(generator.eval(), spec.system, {})
    wrong = [name for name in ("identity", "state", "outputs", "lookahead_frames") if getattr(found, name) != getattr(spec, name)]
    if wrong:
        raise ModelError(f"{folder / WEIGHTS} does not fit its manifest ({', '.join(wrong)}): export the checkpoint again")
    return generator


def spec_of(generator: nn.Module, system_name: str, origin: dict[str, object]) -> ModelSpec:
    """The specification of a generator: names and shapes are read off the generator itself."""
    streaming: StreamingGenerator = generator  # type: ignore[assignment]
    with torch.inference_mode():
        identity = streaming.prepare(torch.zeros(1, 4, 112, 112))
        state = streaming.initial_state(1)
        outputs, _ = streaming.step(identity, torch.zeros(1, 12, 28), torch.full((1,), FOREVER), state)
    config = generator.config
    return ModelSpec(
        system=system_name,
        preset=config.preset,  # type: ignore[union-attr,arg-type]
        head=config.head,  # type: ignore[union-attr,arg-type]
        window_offset_hops=config.window_offset_hops,  # type: ignore[union-attr,arg-type]
        lookahead_frames=streaming.lookahead,
        identity={name: list(value.shape[1:]) for name, value in identity.items()},
        state={name: list(value.shape[1:]) for name, value in state.items()},
        state_types={name: str(value.numpy().dtype) for name, value in state.items()},
        outputs=list(generator.head.names),  # type: ignore[union-attr,arg-type]
        output_shapes={name: list(outputs[name].shape[1:]) for name in generator.head.names},  # type: ignore[union-attr]
        origin=origin,
    )


def _arrays(tensors: Tensors) -> Arrays:
    return {name: value.numpy() for name, value in tensors.items()}


def _tensors(arrays: Arrays) -> Tensors:
    return {name: torch.from_numpy(value) for name, value in arrays.items()}
