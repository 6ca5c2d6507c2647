"""The canonical crop: exact on faces whose place is known, blind to what the mouth does, and without a shift of half a pixel."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime import alignment
from realtime.alignment import CROP_SIZE, EYE_LEVEL, LEFT_EYE, LIP_PLACE, NOSE_BRIDGE, RIGHT_EYE, UPPER_LIP

Matrix = NDArray[np.float64]
STABLE = list(RIGHT_EYE + LEFT_EYE + NOSE_BRIDGE)


def similarity(scale: float, degrees: float, x: float, y: float) -> Matrix:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[c, -s, x], [s, c, y]])


def moved(points: NDArray[Any], matrix: Matrix) -> Matrix:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def face(matrix: Matrix, lip: tuple[float, float] = LIP_PLACE, seed: int = 0) -> NDArray[np.float32]:
    """Landmarks [478, 3] of a face that is canonical but for where it lies; what speech moves is anywhere."""
    points = np.random.default_rng(seed).uniform(0, CROP_SIZE, (478, 2))
    points[STABLE] = alignment._CANONICAL
    points[UPPER_LIP] = lip
    return np.hstack([moved(points, matrix), np.zeros((478, 1))]).astype(np.float32)


PLACES = [(1.0, 0.0, 0.0, 0.0), (2.7, 14.0, 210.0, 96.0), (0.6, -33.0, 12.5, 80.25), (5.0, 90.0, 900.0, 40.0)]


@pytest.mark.parametrize("place", PLACES)
def test_a_similarity_is_found_exactly(place: tuple[float, float, float, float]) -> None:
    wanted = similarity(*place)
    np.testing.assert_allclose(alignment.crop_to_image(face(wanted)), wanted, atol=2e-4)


def test_what_is_no_similarity_is_fitted_as_least_squares_say() -> None:
    rng = np.random.default_rng(4)
    landmarks = face(similarity(2, 10, 50, 60))
    landmarks[STABLE] += rng.normal(0, 3, (len(STABLE), 3)).astype(np.float32)
    x, y = alignment._CANONICAL.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    c, s, tx, ty = np.linalg.lstsq(rows, landmarks[STABLE, :2].T.reshape(-1).astype(float), rcond=None)[0]
    np.testing.assert_allclose(alignment.crop_to_image(landmarks), [[c, -s, tx], [s, c, ty]], atol=1e-9)


def test_the_mouth_says_nothing_about_where_the_head_is() -> None:
    place = similarity(3, -8, 100, 50)
    still, speaking = face(place, seed=1), face(place, lip=(50.0, 80.0), seed=2)
    np.testing.assert_array_equal(alignment.crop_to_image(still), alignment.crop_to_image(speaking))


def test_eyes_are_where_the_crop_says() -> None:
    landmarks = face(similarity(2.5, 20, 30, 40))
    in_crop = alignment.to_crop(landmarks, alignment.crop_to_image(landmarks))
    right, left = alignment.eye_centres(in_crop)
    np.testing.assert_allclose([right, left], [[40, EYE_LEVEL], [72, EYE_LEVEL]], atol=1e-3)
    assert alignment.eye_distance(landmarks) == pytest.approx(2.5 * 32, abs=1e-3)


@pytest.mark.parametrize("lip", [(56.0, 64.0), (52.0, 60.0), (61.5, 71.0)])
@pytest.mark.parametrize("place", PLACES)
def test_a_portraits_crop_has_its_lip_in_one_place_and_its_eyes_on_their_line(
    lip: tuple[float, float], place: tuple[float, float, float, float]
) -> None:
    landmarks = face(similarity(*place), lip)
    in_crop = alignment.to_crop(landmarks, alignment.portrait_to_image(landmarks))
    np.testing.assert_allclose(in_crop[UPPER_LIP], LIP_PLACE, atol=2e-3)
    np.testing.assert_allclose(alignment.eye_centres(in_crop)[:, 1], EYE_LEVEL, atol=2e-3)
    np.testing.assert_allclose(alignment.eye_centres(in_crop)[:, 0], [40, 72], atol=2e-3)


@pytest.mark.parametrize("lip", [(56.0, 40.0), (56.0, 110.0), (56.0, 20.0)])
def test_no_face_is_stretched_out_of_all_proportion(lip: tuple[float, float]) -> None:
    stretch = alignment.proportions_of(np.array(lip, np.float32))[1, 1]
    assert stretch in alignment.STRETCH


def ramp(matrix: Matrix, height: int, width: int) -> NDArray[np.uint8]:
    """A picture whose red tells crop x and whose green tells crop y, twice each, wherever the crop lies in it."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    in_crop = moved(np.stack([x, y], -1).reshape(-1, 2), np.asarray(cv2.invertAffineTransform(matrix), np.float64))
    channels = np.hstack([2 * in_crop, np.zeros((len(in_crop), 1))])
    return np.clip(np.round(channels), 0, 255).astype(np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize("size", [56, 112, 224])
@pytest.mark.parametrize(
    "place", [(1.0, 0.0, 40.0, 30.0), (1.3, 20.0, 120.0, 30.0), (0.7, -15.0, 40.0, 60.0), (4.0, 5.0, 90.0, 60.0)]
)
def test_a_cut_pixel_shows_its_own_place(place: tuple[float, float, float, float], size: int) -> None:
    """Pixel i of a crop of any size has its centre at (i + 0.5) · 112 / size - 0.5, also where the picture is shrunk first."""
    matrix = similarity(*place)
    picture = ramp(matrix, 560, 640)
    positive = alignment.cut(picture, matrix, size).astype(float)
    negative = 255.0 - alignment.cut(255 - picture, matrix, size)
    inside = slice(size // 14, -(size // 14))
    shown = ((positive + negative) / 2)[inside, inside] / 2  # what rounding adds to one, it takes from the other
    centre = ((np.arange(size) + 0.5) * CROP_SIZE / size - 0.5)[inside]
    off_x, off_y = shown[..., 0] - centre, shown[..., 1] - centre[:, None]
    assert max(np.abs(off_x).max(), np.abs(off_y).max()) <= 0.5
    assert max(abs(off_x.mean()), abs(off_y.mean())) < 0.02, "a fiftieth of a pixel"


def test_cuts_of_two_sizes_show_the_same() -> None:
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (400, 400, 3), dtype=np.uint8), (0, 0), 4)
    picture = np.interp(picture, (picture.min(), picture.max()), (0, 255)).astype(np.uint8).reshape(400, 400, 3)
    matrix = similarity(2.0, 12, 90, 40)
    small, large = alignment.cut(picture, matrix, 112), alignment.cut(picture, matrix, 224)
    halved = cv2.resize(large, (112, 112), interpolation=cv2.INTER_AREA)
    shifted = np.roll(halved, 1, 1)
    difference = np.abs(small.astype(int) - halved)[4:-4, 4:-4].mean()
    assert difference < 2
    assert np.abs(small.astype(int) - shifted)[4:-4, 4:-4].mean() > 5 * difference


def test_channels_are_left_as_they_come() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[:] = (10, 120, 230)
    crop = alignment.cut(picture, similarity(1, 0, 20, 20))
    assert crop.dtype == np.uint8
    assert (crop == (10, 120, 230)).all()
