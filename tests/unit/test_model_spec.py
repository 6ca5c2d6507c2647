"""Manifests: what is written is read back; a folder that is not what its manifest says is refused in words."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime import alignment, audio
from realtime.errors import ModelError
from realtime.model_spec import FORMAT, MANIFEST, N_MFCC, WINDOW_HOPS, ModelSpec, future_ms, read_manifest, write_manifest
from realtime.weights import default_model

SPEC = ModelSpec(
    system="tcsan",
    preset="live",
    head="flow",
    window_offset_hops=-22,
    lookahead_frames=2,
    identity={"identity_feature": [512]},
    state={"position": [], "history": [2, 64]},
    state_types={"position": "int64", "history": "float32"},
    outputs=["flow", "mouth"],
    output_shapes={"flow": [2, 28, 28], "mouth": [4, 40, 56]},
    origin={"recipe": {"steps": 3}, "data": {"corpus": "speech, free to pass on"}},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files and their manifest, and one that is nobody's business."""
    (tmp_path / "step.xml").write_text("<net/>")
    (tmp_path / "step.bin").write_bytes(bytes(range(256)))
    (tmp_path / "weights.pt").write_bytes(b"weights")
    (tmp_path / "notes.txt").write_text("not ours")
    write_manifest(SPEC, tmp_path)
    return tmp_path


def test_what_is_written_is_read(folder: Path) -> None:
    spec = read_manifest(folder)
    assert replace(spec, files={}) == SPEC
    assert set(spec.files) == {"step.xml", "step.bin", "weights.pt"}


def entries(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        values = json.loads((folder / MANIFEST).read_text())
        changed = change(values)
        (folder / MANIFEST).write_text(json.dumps(values if changed is None else changed))

    return harm


def one_bit(folder: Path) -> None:
    data = bytearray((folder / "step.bin").read_bytes())
    data[128] ^= 1
    (folder / "step.bin").write_bytes(data)


def an_entry(name: str, value: object) -> Callable[[Path], None]:
    """`a.b` is an entry of an entry; None takes it out."""

    def change(values: dict[str, Any]) -> None:
        *outer, last = name.split(".", 1)
        place = values[outer[0]] if outer else values
        if value is None:
            del place[last]
        else:
            place[last] = value

    return entries(change)


NO_SENSE = {
    "identity": an_entry("identity.identity_feature", 3),
    "state": an_entry("state.history", [2, "64"]),
    "output_shapes": an_entry("output_shapes.flow", [2, -28, 28]),
    "head": an_entry("head", "colour"),
    "state_types": an_entry("state_types.position", None),
    "outputs": an_entry("outputs", ["flow", "colour"]),
    "precisions": an_entry("precisions", []),
    "batches": an_entry("batches", ["x"]),
    "files": an_entry("files.weights.pt", 7),
    "origin": an_entry("origin.built_for", "a toaster"),
}


@pytest.mark.parametrize("entry", NO_SENSE)
def test_an_entry_that_makes_no_sense_is_named(folder: Path, entry: str) -> None:
    NO_SENSE[entry](folder)
    with pytest.raises(ModelError, match=rf"do not belong together: .*\b{entry}\b"):
        read_manifest(folder)


HARMS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no manifest": (lambda folder: (folder / MANIFEST).unlink(), "holds no manifest.json"),
    "a file is missing": (lambda folder: (folder / "step.xml").unlink(), "step.xml is missing"),
    "one bit is wrong": (one_bit, "step.bin is not the file that the manifest names"),
    "cut short": (lambda folder: (folder / "weights.pt").write_bytes(b"weight"), "weights.pt is not the file"),
    "another format": (entries(lambda values: values.update(format=FORMAT + 1)), f"has format {FORMAT + 1}"),
    "no format": (entries(lambda values: values.pop("format") and None), "has format None"),
    "an unknown entry": (entries(lambda values: values.update(colour=1)), "unknown or missing entries: colour"),
    "a missing entry": (entries(lambda values: values.pop("state") and None), "unknown or missing entries: state"),
    "other rates": (entries(lambda values: values["timing"].update(hop_ms=20)), "other rates or lengths .*hop_ms 20"),
    "no rates": (entries(lambda values: values.pop("timing") and None), "other rates or lengths .*sample_rate_hz None"),
    "a text for a number": (entries(lambda values: values.update(lookahead_frames="2")), "another type .*lookahead_frames"),
    "a file elsewhere": (entries(lambda values: values["files"].update({"../step.xml": "0"})), "outside of its folder"),
    "a list": (entries(lambda values: [values]), "holds no entries"),
    "no JSON": (lambda folder: (folder / MANIFEST).write_text("format: 1"), "cannot be read"),
    "no text": (lambda folder: (folder / MANIFEST).write_bytes(b"\xff\xfe\x00"), "cannot be read"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_folder_that_does_not_fit_is_refused(folder: Path, harm: str) -> None:
    spoil, words = HARMS[harm]
    spoil(folder)
    with pytest.raises(ModelError, match=words):
        read_manifest(folder)


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no manifest"):
        read_manifest(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be read"):
        read_manifest(tmp_path / "file")


@pytest.mark.parametrize(
    ("window_offset_hops", "lookahead_frames", "expected_ms"),
    [(-22, 2, 155), (-13, 15, 765), (-27, 0, 25), (-30, 0, -5), (0, 0, 295)],
)
def test_future_audio_counts_window_and_network(window_offset_hops: int, lookahead_frames: int, expected_ms: int) -> None:
    assert future_ms(window_offset_hops, lookahead_frames) == expected_ms
    spec = replace(SPEC, window_offset_hops=window_offset_hops, lookahead_frames=lookahead_frames)
    assert spec.future_ms == expected_ms


def test_the_default_model_says_where_it_comes_from_and_keeps_its_promise() -> None:
    spec = read_manifest(default_model())
    assert spec.future_ms <= 160
    assert {"recipe", "data", "figures", "parity", "versions"} <= set(spec.origin)
    assert spec.origin["recipe"]
    assert spec.origin["data"]
    assert max(spec.origin["parity"]["float32"].values()) <= 1e-4
    assert spec.origin["parity"]["steps"] >= 300
    assert spec.origin["parity"]["bf16"]["psnr_db"] >= 40
    assert spec.origin["parity"]["bf16"]["opening"] >= 0.99
    assert len(spec.origin["checkpoint"]["sha256"]) == 64
    assert spec.origin["data"]["licence"]
    assert spec.origin["command"].startswith("facewire export ")
    assert set(spec.state) == set(spec.state_types)
    assert {np.dtype(kind) for kind in spec.state_types.values()} <= {np.dtype("int64"), np.dtype("float32")}
    assert sum(path.stat().st_size for path in default_model().iterdir()) <= 30e6
    assert (N_MFCC, WINDOW_HOPS) == (12, 28)


def test_the_manifest_says_what_the_generator_was_made_for(folder: Path) -> None:
    """And its constants are those of the code that computes features and crops."""
    timing = json.loads((folder / MANIFEST).read_text())["timing"]
    assert timing["window_ms"] == 280
    assert timing["lookahead_ms"] == 80
    assert timing["future_ms"] == 155
    assert timing["sample_rate_hz"] == audio.SAMPLE_RATE_HZ
    assert timing["crop_pixels"] == alignment.CROP_SIZE
