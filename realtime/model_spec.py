"""What a model folder says about itself: `manifest.json` beside its graphs."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from realtime.errors import ModelError

MANIFEST = "manifest.json"
FORMAT = 3
SAMPLE_RATE_HZ = 16_000
CROP_PIXELS = 112
FRAME_MS = 40
HOP_MS = 10
HOP_LENGTH_MS = 25
WINDOW_HOPS = 28
N_MFCC = 12

SUFFIXES = (".xml", ".bin", ".pt", ".pt2", ".ep", ".onnx", ".data")  # of the files that a manifest answers for

KINDS: dict[str, type] = {
    **dict.fromkeys(("system", "preset", "head", "target"), str),
    **dict.fromkeys(("window_offset_hops", "lookahead_frames"), int),
    **dict.fromkeys(("outputs", "precisions", "batches"), list),
}
"""Types of a manifest's entries; all others are objects."""

Head = Literal["flow", "pixels"]
STATE_TYPES = {"float32", "int64"}
PRECISIONS = {"f32", "bf16", "f16", "int8"}


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One exported generator.

    identity, state: name → shape without the batch; state_types: name → numpy type; outputs: names of the head's outputs, and
    output_shapes theirs; target: what runs it; precisions: those it was proven in, of PRECISIONS; batches: sizes that its
    graphs are fixed to, none where they take any; files: name → sha256; origin: checkpoint and its hash, command, recipe,
    commit, data and their licences, figures, versions, parity.
    """

    system: str
    preset: str
    head: Head
    window_offset_hops: int
    lookahead_frames: int
    identity: dict[str, list[int]]
    state: dict[str, list[int]]
    state_types: dict[str, str]
    outputs: list[str]
    output_shapes: dict[str, list[int]] = field(default_factory=dict)
    target: str = "openvino"
    precisions: list[str] = field(default_factory=lambda: ["f32"])
    batches: list[int] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def future_ms(self) -> int:
        """Future audio that a frame at media time t needs: everything up to t + future_ms. Window and network together."""
        return future_ms(self.window_offset_hops, self.lookahead_frames)

    @property
    def timing(self) -> dict[str, int]:
        """Rates and lengths that the generator was made for, as the manifest states them."""
        return {
            "sample_rate_hz": SAMPLE_RATE_HZ,
            "hop_ms": HOP_MS,
            "hop_length_ms": HOP_LENGTH_MS,
            "n_mfcc": N_MFCC,
            "window_hops": WINDOW_HOPS,
            "window_ms": HOP_MS * WINDOW_HOPS,
            "frame_ms": FRAME_MS,
            "lookahead_ms": FRAME_MS * self.lookahead_frames,
            "future_ms": self.future_ms,
            "crop_pixels": CROP_PIXELS,
        }


def future_ms(window_offset_hops: int, lookahead_frames: int) -> int:
    """Milliseconds from a frame's time to the last sample it needs.

    >>> future_ms(-22, 2)
    155
    """
    last_hop = window_offset_hops + WINDOW_HOPS - 1
    return HOP_MS * last_hop + HOP_LENGTH_MS + FRAME_MS * lookahead_frames


def write_manifest(spec: ModelSpec, folder: Path) -> None:
    """Writes the manifest with the hashes of the folder's other files."""
    files = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES}
    values = {"format": FORMAT, "timing": spec.timing, **asdict(spec), "files": files}
    (folder / MANIFEST).write_text(json.dumps(values, indent=2) + "\n")


def read_manifest(folder: Path) -> ModelSpec:
    """Reads a model folder's manifest and checks every file against it.

    Raises ModelError where the folder is missing, incomplete, altered, or of another format.
    """
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise ModelError(f"{folder} holds no {MANIFEST}: a folder written by `facewire export` was expected") from None
    except (ValueError, OSError) as error:
        raise ModelError(f"{path} cannot be read ({error})") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} holds no entries: a file written by `facewire export` was expected")
    found = values.pop("format", None)
    if found != FORMAT:
        raise ModelError(f"{path} has format {found}, this program reads format {FORMAT}: export the checkpoint again")
    timing = values.pop("timing", None)
    spec = _spec_of(values, path)
    if timing != spec.timing:
        expected = spec.timing
        given = timing if isinstance(timing, dict) else {}
        differs = ", ".join(f"{name} {given.get(name)}" for name in expected if given.get(name) != expected[name])
        raise ModelError(f"{path} is for other rates or lengths than this program's ({differs}): export the checkpoint again")
    for name, wanted in spec.files.items():
        _check_file(folder, name, wanted)
    return spec


def _spec_of(values: dict[str, Any], path: Path) -> ModelSpec:
    if wrong := set(values) ^ {item.name for item in fields(ModelSpec)}:
        raise ModelError(f"{path} has unknown or missing entries: {', '.join(sorted(wrong))}")
    if wrong := {name for name, value in values.items() if not isinstance(value, KINDS.get(name, dict))}:
        raise ModelError(f"{path} has entries of another type than expected: {', '.join(sorted(wrong))}")
    spec = ModelSpec(**values)
    if wrong := {name for name, fits in _consistent(spec).items() if not fits}:
        raise ModelError(
            f"{path} has entries with values that this program does not know, or that do not belong together: "
            f"{', '.join(sorted(wrong))}: export the checkpoint again"
        )
    return spec


def _consistent(spec: ModelSpec) -> dict[str, bool]:
    """Entry: can it be worked with?"""
    shaped = {name: getattr(spec, name) for name in ("identity", "state", "output_shapes")}
    return {
        **{name: all(_is_shape(shape) for shape in shapes.values()) for name, shapes in shaped.items()},
        "head": spec.head in get_args(Head),
        "state_types": spec.state_types.keys() == spec.state.keys() and set(map(str, spec.state_types.values())) <= STATE_TYPES,
        "outputs": set(map(str, spec.outputs)) == spec.output_shapes.keys() and bool(spec.outputs),
        "precisions": bool(spec.precisions) and set(map(str, spec.precisions)) <= PRECISIONS,
        "batches": all(_is_count(size) for size in spec.batches),
        "files": all(isinstance(hashed, str) for hashed in spec.files.values()),
        "origin": isinstance(spec.origin.get("built_for", {}), dict),
    }


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and all(_is_count(length) for length in shape)


def _is_count(number: Any) -> bool:
    return type(number) is int and number > 0


def _check_file(folder: Path, name: str, wanted: str) -> None:
    if Path(name).name != name:
        raise ModelError(f"{folder / MANIFEST} names {name!r}, a file outside of its folder: export the checkpoint again")
    if not (folder / name).exists():
        raise ModelError(f"{folder / name} is missing, the manifest names it: export or copy the folder again")
    if sha256(folder / name) != wanted:
        raise ModelError(f"{folder / name} is not the file that the manifest names (sha256 differs): copy it again")


def sha256(path: Path) -> str:
    """A file's hash, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
