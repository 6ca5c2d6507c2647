"""What the compositor does to a portrait's pixels, with outputs whose effect is known."""

import itertools
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE, FLOW_CELLS, MOUTH_BOX
from realtime.compositor import Compositor
from realtime.portrait import Portrait, prepare_portrait
from tests.unit.portraits import encoded, portrait, rolled

WHO = "speaker-31"
PATCH = (MOUTH_BOX[3] - MOUTH_BOX[1], MOUTH_BOX[2] - MOUTH_BOX[0])
Outputs = dict[str, NDArray[np.float32]]


def flow_outputs(dx: float = 0, dy: float = 0, paint: NDArray[np.float32] | None = None) -> Outputs:
    """One shift in crop pixels for the whole crop, fading over five cells at its border; nothing painted unless given."""
    to_border = np.minimum(np.arange(FLOW_CELLS), FLOW_CELLS - 1 - np.arange(FLOW_CELLS))
    ramp = np.clip((to_border - 0.5) / 5, 0, 1)
    taper = ramp[:, None] * ramp
    mouth = np.zeros((4, *PATCH), np.float32) if paint is None else paint
    return {"flow": np.stack([dx * taper, dy * taper]).astype(np.float32), "mouth": mouth}


def blob(colour: tuple[float, float, float]) -> NDArray[np.float32]:
    """A painted ellipse in the middle of the mouth box, [4, 40, 56]: colours times mask, and mask."""
    mask = np.zeros(PATCH, np.float32)
    cv2.ellipse(mask, (PATCH[1] // 2, PATCH[0] // 2 - 4), (14, 6), 0, 0, 360, 1.0, -1)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5), np.float32)
    colours = np.broadcast_to(np.array(colour, np.float32)[:, None, None], (3, *PATCH))
    return np.concatenate([colours * mask, mask[None]]).astype(np.float32)


def crop_of(face: Portrait, image: NDArray[Any]) -> NDArray[np.uint8]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, face.crop_to_image, (CROP_SIZE, CROP_SIZE), flags=flags), np.uint8)


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[Any]:
    return np.asarray(np.abs(before.astype(int) - after).max(2) > 0)


@pytest.fixture(scope="module", params=[0.0, 20.0], ids=["upright", "rolled"])
def face(request: pytest.FixtureRequest) -> Portrait:
    return portrait(WHO) if request.param == 0 else prepare_portrait(encoded(rolled(WHO, request.param)))


# At rest


def test_a_closed_gate_gives_the_portrait_byte_for_byte(face: Portrait) -> None:
    wild = flow_outputs(5, -3, blob((1, 0, 1)))
    assert np.array_equal(Compositor(face, "flow").compose(wild, 0.0), face.image)
    crop = {"crop": np.ones((3, CROP_SIZE, CROP_SIZE), np.float32)}
    assert np.array_equal(Compositor(face, "pixels").compose(crop, 0.0), face.image)


def test_no_flow_and_no_paint_give_the_portrait_byte_for_byte(face: Portrait) -> None:
    assert np.array_equal(Compositor(face, "flow").compose(flow_outputs(), 1.0), face.image)


def test_a_frame_is_the_callers_own(face: Portrait) -> None:
    compositor, before = Compositor(face, "flow"), face.image.copy()
    compositor.compose(flow_outputs(), 0.0)[:] = 0
    compositor.compose(flow_outputs(3, 3), 1.0)[:] = 0
    assert np.array_equal(face.image, before)


def test_frames_do_not_depend_on_those_before(face: Portrait) -> None:
    used, fresh = Compositor(face, "flow"), Compositor(face, "flow")
    used.compose(flow_outputs(4, 4, blob((0, 1, 0))), 0.7)
    outputs = flow_outputs(-1, 2, blob((0.5, 0.2, 0.2)))
    assert np.array_equal(used.compose(outputs, 0.9), fresh.compose(outputs, 0.9))


# Movement


@pytest.mark.parametrize("offset", [(2.0, 0.0), (0.0, -1.5), (0.3, 0.2)])
def test_a_flow_moves_the_middle_of_the_face_by_its_offset(face: Portrait, offset: tuple[float, float]) -> None:
    """Output p shows portrait p + flow: a constant flow shifts the picture against itself, along the crop's own axes."""
    moved = Compositor(face, "flow").compose(flow_outputs(*offset), 1.0)
    middle = face.crop_to_image @ np.array([56, 56, 1])
    x, y = (int(v) for v in middle)
    before, after = (image[y - 48 : y + 48, x - 48 : x + 48].mean(2) for image in (face.image, moved))
    (dx, dy), _ = cv2.phaseCorrelate(before, after, cv2.createHanningWindow((96, 96), cv2.CV_64F))
    expected = -face.crop_to_image[:, :2] @ np.array(offset)
    assert np.abs(np.array([dx, dy]) - expected).max() < 0.15 + 0.03 * np.abs(expected).max()


def test_the_gate_scales_the_movement_without_a_jump(face: Portrait) -> None:
    compositor, outputs = Compositor(face, "flow"), flow_outputs(0, -3, blob((0.1, 0.05, 0.05)))
    frames = [compositor.compose(outputs, openness).astype(float) for openness in np.linspace(0, 1, 41)]
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(frames)]
    assert steps[0] < 3 * np.median(steps), "the first opening is no larger a step than any other"
    assert max(steps) < 3 * np.median(steps)
    distances = [np.abs(frame - frames[0]).mean() for frame in frames]
    assert all(b >= a - 1e-3 for a, b in itertools.pairwise(distances))


def test_rows_that_hardly_move_are_left_alone_and_nobody_sees_it(face: Portrait, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of the lower face move, abruptly; those above them by less than a two-hundredth of a crop pixel."""
    rng, outputs = np.random.default_rng(5), flow_outputs()
    outputs["flow"] = rng.uniform(-0.0045, 0.0045, outputs["flow"].shape).astype(np.float32)
    outputs["flow"][:, 14:22] = rng.uniform(-3, 3, (2, 8, FLOW_CELLS))
    drawn = Compositor(face, "flow").compose(outputs, 1.0)
    monkeypatch.setattr("realtime.compositor.STILL", -1)
    whole = Compositor(face, "flow").compose(outputs, 1.0)
    assert np.abs(drawn.astype(int) - whole).max() <= 5  # OpenCV looks up places to a 32nd of a pixel
    untouched = ~changed(face.image, drawn)
    upper = np.zeros_like(untouched, np.uint8)
    corners = np.array([[0, 0], [CROP_SIZE, 0], [CROP_SIZE, 46], [0, 46]])
    cv2.fillConvexPoly(upper, np.round(corners @ face.crop_to_image[:, :2].T + face.crop_to_image[:, 2]).astype(np.int32), 1)
    assert untouched[upper > 0].all()
    assert changed(face.image, whole)[upper > 0].any()


# What may be touched


def test_nothing_outside_the_crop_is_touched(face: Portrait) -> None:
    touched = changed(face.image, Compositor(face, "flow").compose(flow_outputs(3, -3), 1.0))
    inside = np.zeros(face.image.shape[:2], np.uint8)
    corners = np.array([[0, 0], [CROP_SIZE, 0], [CROP_SIZE, CROP_SIZE], [0, CROP_SIZE]]) - 0.5
    shape = corners @ face.crop_to_image[:, :2].T + face.crop_to_image[:, 2]
    cv2.fillConvexPoly(inside, np.round(shape).astype(np.int32), 1)
    assert touched.any()
    assert not (touched & (inside == 0)).any()


def test_paint_changes_the_mouth_box_and_nothing_else(face: Portrait) -> None:
    touched = changed(face.image, Compositor(face, "flow").compose(flow_outputs(paint=blob((0, 0, 0))), 1.0))
    x0, y0, x1, y1 = MOUTH_BOX
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) - 0.5
    box = np.zeros(touched.shape, np.uint8)
    cv2.fillConvexPoly(box, np.round(corners @ face.crop_to_image[:, :2].T + face.crop_to_image[:, 2]).astype(np.int32), 1)
    assert touched.any()
    assert not (touched & (box == 0)).any()


@pytest.mark.parametrize("head", ["flow", "pixels"])
def test_there_is_no_seam_where_the_face_meets_the_picture(face: Portrait, head: Any) -> None:
    """Along the crop's border the picture is no steeper than the portrait was."""
    rng = np.random.default_rng(3)
    crop = face.crop[..., :3].transpose(2, 0, 1).astype(np.float32) / 255
    outputs = flow_outputs(3, -2) if head == "flow" else {"crop": np.clip(crop * 0.8 + rng.random((3, 1, 1)) * 0.2, 0, 1)}
    composed = Compositor(face, head).compose({key: value.astype(np.float32) for key, value in outputs.items()}, 1.0)
    border = np.zeros(face.image.shape[:2], np.uint8)
    corners = np.array([[0, 0], [CROP_SIZE, 0], [CROP_SIZE, CROP_SIZE], [0, CROP_SIZE]]) - 0.5
    shape = np.round(corners @ face.crop_to_image[:, :2].T + face.crop_to_image[:, 2]).astype(np.int32)
    cv2.polylines(border, [shape], True, 1, 5)
    steepness = [np.abs(cv2.Laplacian(image, cv2.CV_32F))[border > 0].mean() for image in (face.image, composed)]
    assert steepness[1] < 1.1 * steepness[0] + 0.3


# Paint


def test_paint_lies_where_the_patch_says(face: Portrait) -> None:
    composed = Compositor(face, "flow").compose(flow_outputs(paint=blob((0, 1, 0))), 1.0)
    greener = crop_of(face, composed)[..., 1].astype(float) - crop_of(face, face.image)[..., 1]
    ys, xs = np.nonzero(greener > greener.max() / 2)
    assert abs(xs.mean() - (MOUTH_BOX[0] + PATCH[1] // 2)) < 1
    assert abs(ys.mean() - (MOUTH_BOX[1] + PATCH[0] // 2 - 4)) < 1


def test_even_paint_keeps_its_colour(face: Portrait) -> None:
    colour = np.array([0.6, 0.3, 0.25], np.float32)
    composed = crop_of(face, Compositor(face, "flow").compose(flow_outputs(paint=blob(tuple(colour.tolist()))), 1.0))
    y, x = MOUTH_BOX[1] + PATCH[0] // 2 - 4, MOUTH_BOX[0] + PATCH[1] // 2
    assert np.abs(composed[y - 2 : y + 3, x - 6 : x + 7, ::-1].mean((0, 1)) / 255 - colour).max() < 0.02


def test_the_contrast_of_paint_is_its_own(face: Portrait) -> None:
    """Teeth between dark gaps."""
    teeth = blob((0.4, 0.4, 0.4))
    teeth[:3, :, ::4] *= 1.5
    composed = Compositor(face, "flow").compose(flow_outputs(paint=teeth), 1.0)
    y, x = MOUTH_BOX[1] + PATCH[0] // 2 - 4, MOUTH_BOX[0] + PATCH[1] // 2
    row = crop_of(face, composed)[y, x - 8 : x + 9].mean(1)
    assert 0.5 * 0.2 * 255 < np.ptp(row) < 1.05 * 0.2 * 255, "some is lost to resampling twice"


def test_finer_paint_lies_in_the_same_place_and_keeps_what_a_crop_pixel_cannot_hold(face: Portrait) -> None:
    coarse = blob((0.5, 0.3, 0.3))
    enlarged = cv2.resize(coarse.transpose(1, 2, 0), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    fine = np.ascontiguousarray(enlarged.transpose(2, 0, 1), np.float32)
    compositor = Compositor(face, "flow")
    frames = [compositor.compose(flow_outputs(paint=paint), 1.0) for paint in (coarse, fine)]
    assert np.abs(frames[0].astype(int) - frames[1]).max() <= 1
    striped = fine.copy()
    striped[:3, :, ::2] *= 0.5
    differs = np.abs(compositor.compose(flow_outputs(paint=striped), 1.0).astype(int) - frames[1])
    middle = (face.crop_to_image @ np.array([MOUTH_BOX[0] + PATCH[1] // 2, MOUTH_BOX[1] + PATCH[0] // 2 - 4, 1])).astype(int)
    row = differs[middle[1], middle[0] - 8 : middle[0] + 9].mean(1)
    assert np.ptp(row) > 20, "a stripe of half a crop pixel is seen"


def test_a_grey_photograph_gets_a_grey_mouth() -> None:
    colour = portrait(WHO)
    grey = prepare_portrait(encoded(np.repeat(cv2.cvtColor(colour.image, cv2.COLOR_BGR2GRAY)[..., None], 3, 2)))
    composed = Compositor(grey, "flow").compose(flow_outputs(paint=blob((0.8, 0.2, 0.3))), 1.0)
    assert np.ptp(composed.astype(int), axis=2).max() <= 2


# The other head, and the generator's own view


def test_the_pixel_head_pastes_its_crop_and_takes_the_casts_away(face: Portrait) -> None:
    crop = face.crop[..., :3].transpose(2, 0, 1).astype(np.float32) / 255
    compositor = Compositor(face, "pixels")
    same = crop_of(face, compositor.compose({"crop": crop}, 1.0)).astype(float)
    tinted = crop_of(face, compositor.compose({"crop": np.clip(crop + 0.1, 0, 1)}, 1.0)).astype(float)
    inner = slice(20, 92)
    assert np.abs(same - face.crop[..., 2::-1])[inner, inner].mean() < 3
    assert np.abs(tinted - same)[inner, inner].mean() < 4, "0.1 is 25 grey levels"


def test_the_picture_is_the_one_that_training_saw() -> None:
    """The flow head's own picture of its outputs, against the compositor's brought back into the crop."""
    torch = pytest.importorskip("torch")
    from realtime.generators.layers.flow_head import warp

    face = portrait(WHO)
    rng = np.random.default_rng(2)
    flow = flow_outputs(1, 1)["flow"] * cv2.GaussianBlur(rng.normal(0, 12, (28, 28)).astype(np.float32), (0, 0), 3)
    composed = Compositor(face, "flow").compose({"flow": flow, "mouth": flow_outputs()["mouth"]}, 1.0)
    runtime = crop_of(face, cv2.GaussianBlur(composed, (0, 0), 1.2))[..., ::-1].astype(float)
    still = crop_of(face, cv2.GaussianBlur(face.image, (0, 0), 1.2))[..., ::-1]
    portrait_tensor = torch.from_numpy(still.transpose(2, 0, 1).astype(np.float32))[None]
    trained = warp(portrait_tensor, torch.from_numpy(flow)[None])[0].numpy().transpose(1, 2, 0)
    apart, moved = np.abs(runtime - trained).mean(), np.abs(still - trained).mean()
    assert moved > 3
    assert apart < 0.25 * moved
