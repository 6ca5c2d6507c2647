"""Messages of the motion stream: each alone says its frames; what is damaged is refused with its reason."""

import base64
import contextlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import MotionError
from realtime.motion import atlas as atlas_format
from realtime.motion.atlas import AtlasReader
from realtime.motion.basis import Projector
from realtime.motion.message import LARGEST, MAX_BYTES, MotionFrame, MotionMessage, decode, encode, peek
from tests.unit.motion_atlas import made_up_atlas

ATLAS = made_up_atlas()
K = len(ATLAS.components)
FIXTURE = json.loads((Path(__file__).parents[1] / "fixtures" / "motion.json").read_text())

coefficients = st.lists(st.integers(-LARGEST, LARGEST), min_size=K, max_size=K).map(tuple)
small = st.lists(st.integers(-4, 4), min_size=K, max_size=K).map(tuple)


@settings(deadline=None)
@given(st.lists(small, min_size=1, max_size=8), st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_every_message_comes_back(frames: list[tuple[int, ...]], first: int, with_units: bool, with_pose: bool) -> None:
    units = (0.0, 0.2, 1.0) if with_units else ()
    pose = (1.25, -3.0, 0.01, 0.125, -0.5, 0.25) if with_pose else ()
    rows = tuple(MotionFrame(coefficients=row, action_units=units, pose=pose) for row in frames)
    data = encode(MotionMessage(atlas=7, first_frame=first, frames=rows), ATLAS)
    read = decode(data, ATLAS)
    assert peek(data) == (len(frames), 7, first)
    assert (read.atlas, read.first_frame) == (7, first)
    assert [frame.coefficients for frame in read.frames] == frames
    for frame in read.frames:
        assert frame.action_units == pytest.approx(units)
        assert frame.pose == pytest.approx(pose)


@given(coefficients)
@settings(max_examples=20, deadline=None)
def test_the_largest_numbers_come_back(row: tuple[int, ...]) -> None:
    message = MotionMessage(atlas=7, first_frame=0, frames=(MotionFrame(coefficients=row),))
    assert decode(encode(message, ATLAS), ATLAS) == message


def test_rest_costs_the_header_and_two_bytes() -> None:
    rest = MotionFrame(coefficients=(0,) * K)
    assert len(encode(MotionMessage(atlas=7, first_frame=0, frames=(rest,) * 3), ATLAS)) <= 9


def message(**changes: object) -> MotionMessage:
    frame = MotionFrame(**{"coefficients": (1,) * K, **changes})  # type: ignore[arg-type]
    return MotionMessage(atlas=7, first_frame=0, frames=(frame, frame))


DATA = encode(message(), ATLAS)
FULL = encode(message(action_units=(0.5,) * 5, pose=(0.0,) * 6), ATLAS)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"", "0 bytes", id="empty"),
        pytest.param(DATA[:6], "6 bytes", id="short"),
        pytest.param(DATA + bytes(MAX_BYTES), "bytes came", id="long"),
        pytest.param(b"\x21" + DATA[1:], "version 2", id="version"),
        pytest.param(b"\x10" + DATA[1:], "0 frames", id="no frames"),
        pytest.param(b"\x1f" + DATA[1:], "15 frames", id="many frames"),
        pytest.param(DATA[:1] + b"\x08" + DATA[2:], "atlas 8", id="other atlas"),
        pytest.param(DATA[:2] + b"\x04" + DATA[3:], "sections 0x4", id="section of tomorrow"),
        pytest.param(FULL[:9], "announces 5 action units", id="no room for the units"),
        pytest.param(FULL[:30], "no room for 2 poses", id="no room for the poses"),
        pytest.param(FULL[:7] + b"\x00" + FULL[8:], "announces 0", id="no units"),
    ],
)
def test_a_damaged_one_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(MotionError, match=told):
        decode(data, ATLAS)


@given(st.binary(max_size=MAX_BYTES + 10))
@settings(deadline=None)
def test_nothing_else_is_raised(noise: bytes) -> None:
    for data in (noise, DATA[:7] + noise, FULL[:4] + noise):
        with contextlib.suppress(MotionError):
            decode(data, ATLAS)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"coefficients": (LARGEST + 1,) * K}, "1024 steps"),
        ({"coefficients": (1,)}, "1 coefficients"),
        ({"action_units": (math.nan,)}, "nan"),
        ({"action_units": (0.5,) * 33}, "33 action units"),
        ({"pose": (math.inf,) * 6}, "inf"),
        ({"pose": (0.0,) * 5}, "5 numbers"),
    ],
)
def test_what_cannot_be_sent_is_refused(broken: dict[str, object], told: str) -> None:
    with pytest.raises(MotionError, match=told):
        encode(message(**broken), ATLAS)


def test_a_message_has_frames() -> None:
    with pytest.raises(MotionError, match="0 frames"):
        encode(MotionMessage(atlas=7, first_frame=0, frames=()), ATLAS)


def test_loss_and_disorder_leave_the_other_messages_as_they_were() -> None:
    rows = [tuple((i * k) % 5 - 2 for k in range(K)) for i in range(12)]
    sent = [
        encode(
            MotionMessage(atlas=7, first_frame=i, frames=tuple(MotionFrame(coefficients=row) for row in rows[i : i + 3])), ATLAS
        )
        for i in range(0, 12, 3)
    ]
    for data in (sent[3], sent[1], sent[0]):  # the third is lost
        read = decode(data, ATLAS)
        assert [frame.coefficients for frame in read.frames] == rows[read.first_frame : read.first_frame + 3]


def test_frames_are_read_whole_before_the_atlas_is() -> None:
    whole, beginning = AtlasReader(), AtlasReader()
    data = base64.b64decode(FIXTURE["atlas"])
    whole.push(data)
    assert 0 < beginning.push(data[:1500]) < FIXTURE["components"]
    for entry in FIXTURE["messages"]:
        message = base64.b64decode(entry["data"])
        assert decode(message, beginning.atlas) == decode(message, whole.atlas)
    Projector(beginning.atlas).layers(tuple(FIXTURE["drawn"]["coefficients"]))


def test_the_fixture_that_both_ends_read() -> None:
    reader = AtlasReader()
    reader.push(base64.b64decode(FIXTURE["atlas"]))
    atlas = reader.atlas
    assert (atlas.identity, len(atlas.components)) == (FIXTURE["identity"], FIXTURE["components"])
    assert atlas_format.encode(atlas) == base64.b64decode(FIXTURE["atlas"])
    for entry in FIXTURE["messages"]:
        read = decode(base64.b64decode(entry["data"]), atlas)
        assert read.first_frame == entry["first_frame"]
        for frame, told in zip(read.frames, entry["frames"], strict=True):
            assert list(frame.coefficients) == told["coefficients"]
            assert list(frame.action_units) == pytest.approx(told["action_units"], abs=1e-6)
            assert list(frame.pose) == pytest.approx(told["pose"], abs=1e-9)
    drawn = FIXTURE["drawn"]
    layers = Projector(atlas).layers(tuple(drawn["coefficients"]))
    np.testing.assert_allclose(layers.flow.ravel()[drawn["flow_places"]], drawn["flow"], atol=1e-3)
    np.testing.assert_allclose(layers.paint.ravel()[drawn["paint_places"]], drawn["paint"], atol=5e-2)


@pytest.mark.parametrize("entry", FIXTURE["refused_atlases"], ids=lambda entry: entry["what"])
def test_atlases_that_both_ends_refuse(entry: dict[str, str]) -> None:
    with pytest.raises(MotionError):
        AtlasReader().push(base64.b64decode(entry["data"]))


@pytest.mark.parametrize("entry", FIXTURE["refused_messages"], ids=lambda entry: entry["what"])
def test_messages_that_both_ends_refuse(entry: dict[str, str]) -> None:
    reader = AtlasReader()
    reader.push(base64.b64decode(FIXTURE["atlas"]))
    with pytest.raises(MotionError):
        decode(base64.b64decode(entry["data"]), reader.atlas)
