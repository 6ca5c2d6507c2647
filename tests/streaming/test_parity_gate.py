"""The gate of exports: what it streams, what it lets through, and what it refuses, with the worst step named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export import export as exporting
from export import material, parity, picture_parity
from export.openvino_target import demand_bf16
from export.picture_parity import Viewer
from realtime.errors import ModelError
from realtime.runners.openvino_runner import OpenVinoRunner
from realtime.runners.processor import BF16, extensions
from realtime.runners.runner import Arrays, Runner
from realtime.weights import default_model
from tests.model_folders import write_checkpoint
from tests.streaming.narrow import narrow_generator

needs_bf16 = pytest.mark.skipif(not extensions() & BF16, reason="this processor does not multiply bfloat16")


class Straying:
    """A runner whose outputs are changed on their way out: the gate must see it."""

    def __init__(self, runner: Runner, harm: str) -> None:
        self._runner, self._harm, self._steps = runner, harm, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)

    def step(self, identity: Arrays, window: np.ndarray, end: np.ndarray, state: Arrays) -> tuple[Arrays, Arrays]:
        self._steps += 1
        if self._harm == "deaf to the end":
            end = np.full_like(end, 2**31 - 1)
        elif self._harm == "a state too many":
            state = {name: np.roll(value, 1, axis=0) for name, value in state.items()}
        outputs, after = self._runner.step(identity, window, end, state)
        if self._harm == "one wrong step" and self._steps == 200:
            outputs["flow"] = outputs["flow"] + np.float32(0.01)
        elif self._harm == "no number" and self._steps == 200:
            outputs["mouth"] = outputs["mouth"] * np.float32("nan")
        elif self._harm == "another picture" and self._steps == 200:
            outputs["flow"] = outputs["flow"] + np.float32(1)
        return outputs, after


@pytest.fixture(scope="module")
def runner(narrow_folder: Path) -> OpenVinoRunner:
    return OpenVinoRunner(narrow_folder)


@pytest.fixture(scope="module")
def reference() -> list[Arrays]:
    generator = narrow_generator("live")
    return [parity.offline(generator, stream.portrait.crop, stream.windows) for stream in material.streams(-22)]


def test_what_is_streamed_is_real_long_and_out_of_step() -> None:
    streams = material.streams(-22)
    lengths = [len(stream) for stream in streams]
    assert len({stream.name for stream in streams}) == len(streams) == 6
    assert lengths[0] >= parity.LEAST_STEPS
    assert min(lengths) < 2  # shorter than the lookahead
    loudness = np.stack([stream.windows.std() for stream in streams])
    assert (loudness > 1).all()


def test_the_recording_is_the_fixture(speech_pcm16k: np.ndarray) -> None:
    """Opus changes it, but not what is said, nor when."""
    from realtime.audio import read_audio_file

    found = read_audio_file(material.SPEECH)
    assert len(found) == len(speech_pcm16k)
    assert np.corrcoef(found, speech_pcm16k)[0, 1] > 0.9


@pytest.mark.parametrize("batch", [1, 3, 8, 11])  # the last has more rows than are looked at
def test_the_same_network_passes(runner: OpenVinoRunner, reference: list[Arrays], batch: int) -> None:
    streams = material.streams(-22)
    found = parity.compare(reference, runner, streams, batch)
    parity.demand(found, Path("model"))
    assert found.steps >= parity.LEAST_STEPS
    seen = {(drawn.stream, drawn.frame) for drawn in parity.play(runner, streams, batch)}
    whole = {(index, frame) for index in range(min(2, batch + 1)) for frame in range(len(streams[index]))}
    assert whole <= seen  # a start, an end, and a stream shorter than the lookahead, in any batch


WORST = r"worst: (flow|mouth) of frame \d+ of \d+, [a-z0-9-]+, \S+ instead of \S+ at \[[\d, ]+\], batch 3.*was not written"


@pytest.mark.parametrize("harm", ["one wrong step", "no number", "deaf to the end", "a state too many"])
def test_another_network_does_not(runner: OpenVinoRunner, reference: list[Arrays], harm: str) -> None:
    found = parity.compare(reference, Straying(runner, harm), material.streams(-22), 3)
    with pytest.raises(ModelError, match=WORST):
        parity.demand(found, Path("model"))


def test_what_is_seen_is_held_to_decibels_and_to_the_lips(runner: OpenVinoRunner, reference: list[Arrays]) -> None:
    streams = material.streams(-22)[:2]
    viewer = Viewer(reference[:2], streams, "flow")
    same = viewer.compare(runner, 1)
    picture_parity.demand(same, "f32", Path("model"))
    assert same.psnr_db > 60
    other = viewer.compare(Straying(runner, "another picture"), 1)
    with pytest.raises(ModelError, match=r"in int8 .* dB at frame 198 of 317, eileen-collins, batch 1"):
        picture_parity.demand(other, "int8", Path("model"))


def test_an_export_that_strays_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "FLOAT_LIMIT", 1e-12)
    with pytest.raises(ModelError, match="was not written"):
        exporting.export(write_checkpoint(tmp_path / "c.pt", narrow_generator("live")), "openvino", tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


@needs_bf16
def test_the_bf16_hint_is_taken() -> None:
    """By the built-in model, transposed convolutions included; and the check sees where it is not."""
    rounded = OpenVinoRunner(default_model(), precision="bf16")
    demand_bf16(rounded)
    kinds = {kind for kind, _, _ in rounded.executed(1)}
    assert kinds == {"Convolution", "Deconvolution", "FullyConnected"}
    with pytest.raises(ModelError, match="although bf16 was asked for"):
        demand_bf16(OpenVinoRunner(default_model(), precision="f32"))
