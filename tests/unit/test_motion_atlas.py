"""The atlas of the motion stream: learnt, coded, read as it comes, and refused where it is damaged."""

import contextlib
import math
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime.errors import MotionError
from realtime.layers import FaceLayers
from realtime.motion import atlas as atlas_format
from realtime.motion.atlas import AtlasReader
from realtime.motion.basis import ATLAS_BYTES, Projector, learn
from realtime.motion.bool_coder import BoolDecoder, BoolEncoder
from realtime.motion.components import ComponentDecoder, ComponentEncoder, order_of
from realtime.motion.field import Field
from tests.unit.motion_atlas import FIELD, TO_PICTURE, made_up_atlas, made_up_frames

ATLAS = made_up_atlas()
DATA = atlas_format.encode(ATLAS)
FLOATS = 18
STEP_OFFSET = FLOATS + 4 * 12
SIZE_OFFSET = STEP_OFFSET + 4
GAIN_OFFSET = atlas_format.HEADER.size + 2 * len(ATLAS.components) + 2


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 255))))
def test_every_bit_comes_back(bits: list[tuple[int, int]]) -> None:
    encoder = BoolEncoder()
    for bit, probability in bits:
        encoder.write(bit, probability)
    decoder = BoolDecoder(encoder.finish(), len(bits))
    assert [decoder.read(probability) for _, probability in bits] == [bit for bit, _ in bits]


def test_what_is_likely_is_short() -> None:
    rng, encoder = np.random.default_rng(0), BoolEncoder()
    for bit in rng.uniform(size=8000) > 240 / 256:
        encoder.write(int(bit), 240)
    share = 16 / 256
    entropy_bytes = 8000 / 8 * -(share * math.log2(share) + (1 - share) * math.log2(1 - share))
    assert len(encoder.finish()) < 1.05 * entropy_bytes


def test_a_decoder_ends_where_nobody_would_have_written_more() -> None:
    decoder = BoolDecoder(b"", 100)
    with pytest.raises(MotionError, match="damaged"):
        [decoder.read(128) for _ in range(101)]


def test_low_frequencies_come_first() -> None:
    order = order_of(28, 28)
    assert sorted(order) == list(range(28 * 28))
    assert list(order[:6]) == [0, 1, 28, 2, 29, 56]


@given(st.lists(st.integers(-2047, 2047), min_size=20, max_size=20), st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_every_number_of_a_component_comes_back(large: list[int], seed: int) -> None:
    shapes = FIELD.shapes
    size = sum(height * width for height, width in shapes)
    rng = np.random.default_rng(seed)
    encoder, decoder = ComponentEncoder(shapes), ComponentDecoder(shapes)
    for _ in range(2):
        numbers = (rng.integers(-2, 3, size) * (rng.uniform(size=size) < 0.05)).astype(np.int32)
        numbers[rng.integers(0, size, 20)] = large
        np.testing.assert_array_equal(decoder.decode(encoder.encode(numbers)), numbers)


def test_vectors_are_layers_again() -> None:
    frame = made_up_frames(9)[-1]
    back = FIELD.layers(FIELD.vectors([frame])[0])
    np.testing.assert_allclose(back.flow, frame.flow, atol=1e-4)
    np.testing.assert_allclose(back.paint, frame.paint, atol=2e-2)


def test_paint_that_is_finer_is_the_same_vector() -> None:
    frame = made_up_frames(9)[-1]
    paint = frame.paint.repeat(2, 0).repeat(2, 1)
    paint[::2] += 1
    paint[1::2] -= 1
    finer = replace(frame, paint=paint)
    np.testing.assert_allclose(FIELD.vectors([finer]), FIELD.vectors([frame]), atol=1e-2)


def test_frames_that_were_not_learnt_come_back() -> None:
    projector = Projector(ATLAS)
    for frame in made_up_frames(60, seed=1)[1::10]:
        drawn = projector.layers(projector.project(frame))
        assert np.abs(drawn.flow - frame.flow).mean() < 0.05  # crop pixels
        assert np.abs(drawn.paint - frame.paint)[..., :3].mean() < 3  # grey levels


def test_rest_is_all_zero_and_exactly_the_portrait() -> None:
    projector = Projector(ATLAS)
    rest = projector.project(made_up_frames(1)[0])
    assert rest == (0,) * len(ATLAS.components)
    assert not np.any(projector.layers(rest).flow)
    assert not np.any(projector.layers(rest).paint)


def test_weak_motions_that_round_to_the_same_numbers_are_one_component() -> None:
    """Of two equal ones any coefficient fits, with as much of the other against it: messages held thousands of steps."""
    strong, first, second = (np.zeros(FIELD.vectors(made_up_frames(1)).shape[1], np.float32) for _ in range(3))
    strong[10:20] = 40
    first[:5] = 1.5, 1, 1, 1, 1
    second[:5] = 1.5, -0.5625, -0.5625, -0.5625, -0.5625
    time = 2 * np.pi * np.arange(64)[:, None] / 64
    swings = np.sin(time) * strong + np.sin(2 * time) * first + np.sin(3 * time) * second
    vectors: NDArray[np.float32] = (np.sqrt(2) * swings).astype(np.float32)
    atlas = learn(vectors, FIELD, TO_PICTURE, 0)
    assert len(atlas.components) == 2
    projector = Projector(atlas)
    assert max(abs(c) for vector in vectors for c in projector.project_vector(vector)) < 20


def test_nothing_that_moves_is_no_basis() -> None:
    with pytest.raises(MotionError, match="no frame differs"):
        learn(np.zeros_like(FIELD.vectors(made_up_frames(5))), FIELD, TO_PICTURE, 0)


@pytest.mark.parametrize("portion", [1, 7, 1000, 10**6])
def test_it_can_be_drawn_with_as_it_comes(portion: int) -> None:
    reader = AtlasReader()
    counts = [reader.push(DATA[start : start + portion]) for start in range(0, len(DATA), portion)]
    assert counts == sorted(counts)
    assert reader.is_complete
    read = reader.atlas
    assert read.identity == ATLAS.identity
    assert read.field == ATLAS.field
    for mine, theirs in zip(ATLAS.components, read.components, strict=True):
        np.testing.assert_array_equal(mine.numbers, theirs.numbers)
        assert mine.gain == theirs.gain
    assert read.coders == ATLAS.coders
    assert atlas_format.encode(read) == DATA


def _with(offset: int, data: bytes) -> bytes:
    return DATA[:offset] + data + DATA[offset + len(data) :]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"RIFF" + DATA[4:], "was expected", id="magic"),
        pytest.param(_with(4, b"\x02"), "version 2", id="version"),
        pytest.param(_with(6, b"\x00"), "0 components", id="no components"),
        pytest.param(_with(6, b"\xff"), "255 components", id="too many components"),
        pytest.param(_with(7, b"\x05"), "components over", id="planes"),
        pytest.param(_with(8, b"\x54"), "inside the crop", id="empty box"),
        pytest.param(_with(10, b"\xff"), "inside the crop", id="large box"),
        pytest.param(_with(12, b"\xff"), "inside the crop", id="other crop"),
        pytest.param(_with(FLOATS, struct.pack("<f", math.nan)), "nan", id="NaN in the geometry"),
        pytest.param(_with(STEP_OFFSET - 4, struct.pack("<f", math.inf)), "inf", id="infinite weight"),
        pytest.param(_with(STEP_OFFSET, struct.pack("<f", 0)), "not above 0", id="no step"),
        pytest.param(_with(GAIN_OFFSET, struct.pack("<f", math.nan)), "nan", id="NaN gain"),
        pytest.param(_with(atlas_format.HEADER.size + 1, b"\x00"), "probability of 0", id="probability"),
        pytest.param(_with(GAIN_OFFSET + 4, b"\xff\xff"), "damaged", id="numbers"),
        pytest.param(DATA + b"\x00", "more than the", id="more than announced"),
        pytest.param(_with(SIZE_OFFSET, struct.pack("<I", len(DATA) + 1)), "ends after", id="less than announced"),
        pytest.param(_with(SIZE_OFFSET, struct.pack("<I", 2**31)), "2147483648 bytes", id="too large"),
    ],
)
def test_a_damaged_one_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(MotionError, match=told):
        AtlasReader().push(data)


@given(st.binary(max_size=300), st.integers(0, len(DATA)))
@settings(max_examples=60, deadline=None)
def test_nothing_else_is_raised(noise: bytes, start: int) -> None:
    with contextlib.suppress(MotionError):
        AtlasReader().push(_with(start, noise))


def test_the_beginning_alone_is_no_atlas() -> None:
    reader = AtlasReader()
    assert reader.push(DATA[:200]) == 0
    assert not reader.is_complete
    with pytest.raises(MotionError, match="beginning"):
        _ = reader.atlas


def test_numbers_that_no_receiver_takes_are_not_sent() -> None:
    broken = replace(ATLAS.components[0], gain=math.nan)
    with pytest.raises(MotionError, match="nan"):
        atlas_format.encode(replace(ATLAS, components=(broken,), coders=ATLAS.coders[:1]))
    with pytest.raises(MotionError, match="0 components"):
        atlas_format.encode(replace(ATLAS, components=(), coders=()))


def test_a_field_says_what_a_frame_of_another_shape_is() -> None:
    assert Field(box=(0, 0, 112, 112), weights=FIELD.weights, reference=(0, 0, 0)).shapes[2] == (112, 112)


def test_a_head_that_paints_the_whole_crop_has_an_atlas_within_its_bounds() -> None:
    """The pixel head's paint: 112 x 112, textured, so that all components together would be too large."""
    field = Field(box=(0, 0, 112, 112), weights=FIELD.weights, reference=(90, 100, 140))
    rng = np.random.default_rng(0)
    looks = [cv2.GaussianBlur(rng.normal(0, 20, (112, 112, 4)).astype(np.float32), (0, 0), 1.2) for _ in range(30)]
    mixtures = rng.normal(size=(60, 30)).astype(np.float32)
    still = np.zeros((28, 28, 2), np.float32)
    frames = [FaceLayers(flow=still, paint=np.tensordot(row, looks, 1).astype(np.float32)) for row in mixtures]
    atlas = learn(field.vectors(frames), field, TO_PICTURE, 0)
    assert len(atlas_format.encode(atlas)) <= ATLAS_BYTES
    assert 1 <= len(atlas.components) < 24
