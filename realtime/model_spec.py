"""What a model folder says about itself: `manifest.json` beside its graphs."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from realtime.errors import ModelError

MANIFEST = "manifest.json"
FORMAT = 1
FRAME_MS = 40
HOP_MS = 10
HOP_LENGTH_MS = 25
WINDOW_HOPS = 28
N_MFCC = 12

Head = Literal["flow", "pixels"]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One exported generator.

    identity, state: name → shape without the batch; state_types: name → numpy type; outputs: names of the head's outputs;
    files: name → sha256; origin: recipe, commit, data and their licences, figures, versions.
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
    files: dict[str, str] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def future_ms(self) -> int:
        """Future audio that a frame at media time t needs: everything up to t + future_ms. Window and network together."""
        return future_ms(self.window_offset_hops, self.lookahead_frames)


def future_ms(window_offset_hops: int, lookahead_frames: int) -> int:
    """Milliseconds from a frame's time to the last sample it needs.

    >>> future_ms(-22, 2)
    155
    """
    last_hop = window_offset_hops + WINDOW_HOPS - 1
    return HOP_MS * last_hop + HOP_LENGTH_MS + FRAME_MS * lookahead_frames


def write_manifest(spec: ModelSpec, folder: Path) -> None:
    """Writes the manifest with the hashes of the folder's other files."""
    files = {
        path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.suffix in (".xml", ".bin", ".pt", ".onnx", ".data")
    }
    values = {"format": FORMAT, **asdict(spec), "files": files}
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
    if wrong := set(values) ^ {item.name for item in fields(ModelSpec)}:
        raise ModelError(f"{path} has unknown or missing entries: {', '.join(sorted(wrong))}")
    spec = ModelSpec(**values)
    for name, wanted in spec.files.items():
        if not (folder / name).exists():
            raise ModelError(f"{folder / name} is missing, the manifest names it: export or copy the folder again")
        if _sha256(folder / name) != wanted:
            raise ModelError(f"{folder / name} is not the file that the manifest names (sha256 differs): copy it again")
    return spec


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
