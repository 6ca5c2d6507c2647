"""Landmarks on the shipped portraits: in the face, where a face has them, and moving with the picture."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime import alignment
from realtime.face_landmarks import (
    MESH_SIZE,
    MIN_SCORE,
    N_LANDMARKS,
    FaceBox,
    FaceLandmarker,
    FaceTracker,
    Region,
    _merge,
    region_of_box,
    region_of_landmarks,
)
from realtime.lip_map import INNER_LIP, OUTER_LIP
from tests.unit.portraits import IDS, pixels, socket

Picture = NDArray[np.uint8]
NOSE_TIP, CHIN, BROW_MIDDLE = 1, 152, 10
GREY = np.full((300, 400, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def landmarker() -> FaceLandmarker:
    return FaceLandmarker()


@pytest.fixture(scope="module")
def found(landmarker: FaceLandmarker) -> dict[str, NDArray[np.float32]]:
    """Landmarks [478, 3] of each shipped portrait."""
    faces = {name: landmarker.detect(pixels(name)) for name in IDS}
    return {name: landmarker.find(pixels(name), faces[name][0]) for name in IDS}


def warped(picture: Picture, matrix: NDArray[np.float64], size: tuple[int, int]) -> Picture:
    out = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


@pytest.mark.parametrize("name", IDS)
def test_there_is_one_face(landmarker: FaceLandmarker, name: str) -> None:
    (face,) = landmarker.detect(pixels(name))
    assert face.score >= 0.7
    x0, y0, x1, y1 = face.box
    eyes_nose_mouth = face.keypoints[:4]
    assert ((eyes_nose_mouth > (x0, y0)) & (eyes_nose_mouth < (x1, y1))).all()
    assert face.keypoints[0, 0] < face.keypoints[1, 0], "the person's right eye is on the picture's left"


@pytest.mark.parametrize("name", IDS)
def test_landmarks_lie_where_a_face_has_them(
    landmarker: FaceLandmarker, found: dict[str, NDArray[np.float32]], name: str
) -> None:
    points = found[name]
    assert points.shape == (N_LANDMARKS, 3)
    (face,) = landmarker.detect(pixels(name))
    right, left = alignment.eye_centres(points)
    unit = alignment.eye_distance(points)
    np.testing.assert_allclose(right, face.keypoints[0], atol=0.15 * unit)
    np.testing.assert_allclose(left, face.keypoints[1], atol=0.15 * unit)
    upright = alignment.to_crop(points, alignment.crop_to_image(points))
    x, y = upright.T
    assert y[BROW_MIDDLE] < y[list(alignment.RIGHT_EYE)].mean() < y[NOSE_TIP] < y[alignment.UPPER_LIP] < y[CHIN]
    assert 0.4 < (upright[:, 0].max() - 56) / (56 - upright[:, 0].min()) < 2.5, "the middle of the eyes is the middle of the face"
    assert abs(y[list(alignment.RIGHT_EYE)].mean() - y[list(alignment.LEFT_EYE)].mean()) < 3
    outer, inner = (cv2.contourArea(upright[list(rim)]) for rim in (OUTER_LIP, INNER_LIP))
    assert outer > 100
    assert inner < outer
    assert cv2.pointPolygonTest(upright[list(OUTER_LIP)][:, None], (float(x[13]), float(y[13])), False) > 0


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(("degrees", "scale"), [(-25.0, 1.0), (20.0, 1.0), (0.0, 0.6), (12.0, 0.8)])
def test_landmarks_move_with_the_picture(
    landmarker: FaceLandmarker, found: dict[str, NDArray[np.float32]], name: str, degrees: float, scale: float
) -> None:
    picture, points = pixels(name), found[name]
    height, width = picture.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale), np.float64)
    turned = warped(picture, matrix, (width, height))
    again = landmarker.find(turned, landmarker.detect(turned)[0])
    expected = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    unit = alignment.eye_distance(points) * scale
    off = np.hypot(*(again[:, :2] - expected).T) / unit
    assert np.median(off) < 0.03
    assert off.max() < 0.25
    assert np.median(np.hypot(*(again[:, :2] - points[:, :2]).T)) / unit > 0.1, "the control: an unturned answer is wrong"


def test_no_face_where_there_is_none(landmarker: FaceLandmarker) -> None:
    assert landmarker.detect(GREY) == []
    assert landmarker.mesh(GREY, Region(centre=(200, 150), side=200, angle=0))[1] < MIN_SCORE


def test_the_detector_alone_may_be_wrong_and_the_mesh_knows(landmarker: FaceLandmarker) -> None:
    """Why `face_search` asks twice: if this ever fails because nothing is detected, it need not."""
    for face in landmarker.detect(socket()):
        assert landmarker.mesh(socket(), region_of_box(face))[1] < MIN_SCORE


def test_a_tracker_follows_loses_and_finds_again(landmarker: FaceLandmarker, found: dict[str, NDArray[np.float32]]) -> None:
    name = IDS[0]
    tracker = FaceTracker(landmarker)
    shifts = [0.0, 6.0, 12.0, 18.0]
    unit = alignment.eye_distance(found[name])
    for shift in shifts:
        picture = warped(pixels(name), np.array([[1, 0, shift], [0, 1, 0.0]]), (640, 640))
        points = tracker.track(picture)
        assert points is not None
        off = np.hypot(*(points[:, :2] - found[name][:, :2] - (shift, 0)).T) / unit
        assert np.median(off) < 0.03
    assert tracker.track(GREY) is None
    assert tracker.track(pixels(name)) is not None


def test_a_region_is_a_rotated_square() -> None:
    matrix = Region(centre=(100, 60), side=80, angle=np.pi / 2).to_image()
    corners = np.array([[0, 0], [MESH_SIZE, 0], [MESH_SIZE / 2, MESH_SIZE / 2]]) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(corners, [[140, 20], [140, 100], [100, 60]], atol=1e-9)


def test_regions_stand_on_the_line_of_the_eyes(found: dict[str, NDArray[np.float32]]) -> None:
    points = found[IDS[0]]
    matrix = np.asarray(cv2.getRotationMatrix2D((0, 0), -30, 1), np.float64)  # clockwise
    turned = np.hstack([points[:, :2] @ matrix[:, :2].T, points[:, 2:]]).astype(np.float32)
    difference = region_of_landmarks(turned).angle - region_of_landmarks(points).angle
    assert difference == pytest.approx(np.radians(30), abs=1e-4)


def test_detections_of_one_face_are_merged_and_two_faces_stay_two() -> None:
    boxes = np.array([[0.1, 0.1, 0.3, 0.3], [0.6, 0.6, 0.9, 0.9], [0.12, 0.1, 0.32, 0.3]], np.float32)
    keypoints = np.repeat(boxes[:, None, :2], 6, 1)
    merged = _merge(boxes, keypoints, np.array([0.9, 0.8, 0.6], np.float32))
    assert [score for _, _, score in merged] == pytest.approx([0.9, 0.8])
    np.testing.assert_allclose(merged[0][0], [0.108, 0.1, 0.308, 0.3], atol=1e-6)
    np.testing.assert_allclose(merged[1][0], boxes[1], atol=1e-6)


def test_a_box_becomes_the_square_around_it() -> None:
    keypoints = np.array([[40, 50], [60, 50], [50, 60], [50, 70], [30, 55], [70, 55]], np.float32)
    region = region_of_box(FaceBox(box=np.array([30, 20, 70, 80], np.float32), keypoints=keypoints, score=1.0))
    assert tuple(region.centre) == (50, 50)
    assert region.side == pytest.approx(90)
    assert region.angle == 0
