"""Does a graph take and give what the manifest says? Checked once, when it is opened, so that no call finds out."""

from collections.abc import Mapping
from pathlib import Path

from realtime.errors import ModelError
from realtime.model_spec import N_MFCC, WINDOW_HOPS, ModelSpec

Port = tuple[tuple[int, ...], str]
"""Shape without the batch, numpy type."""


def step_inputs(spec: ModelSpec) -> dict[str, Port]:
    """What a step takes, in order."""
    ports: dict[str, Port] = {"window": ((N_MFCC, WINDOW_HOPS), "float32"), "end": ((), "int64")}
    ports |= {name: (tuple(shape), "float32") for name, shape in spec.identity.items()}
    return ports | _state(spec)


def step_outputs(spec: ModelSpec) -> dict[str, Port]:
    """What a step gives, in order."""
    ports: dict[str, Port] = {name: (tuple(spec.output_shapes[name]), "float32") for name in spec.outputs}
    return ports | {f"next_{name}": port for name, port in _state(spec).items()}


def check_step(graph: Path, spec: ModelSpec, inputs: Mapping[str, Port], outputs: Mapping[str, Port]) -> None:
    """Raises ModelError with the names of the ports that differ. A graph may lack inputs that it does not use."""
    taken, given = step_inputs(spec), step_outputs(spec)
    wrong = [f"input {name}" for name in inputs if inputs[name] != taken.get(name)]
    wrong += [f"output {name}" for name in given.keys() | outputs.keys() if outputs.get(name) != given.get(name)]
    if "window" not in inputs:
        wrong.append("no input window")
    if wrong:
        raise ModelError(f"{graph} does not fit its manifest ({', '.join(sorted(wrong))}): export the checkpoint again")


def _state(spec: ModelSpec) -> dict[str, Port]:
    return {name: (tuple(shape), spec.state_types[name]) for name, shape in spec.state.items()}
