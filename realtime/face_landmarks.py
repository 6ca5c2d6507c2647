"""Faces in a picture, and 478 landmarks on each: MediaPipe's face mesh, run by OpenVINO.

The two networks are Google's MediaPipe Face Landmarker (Apache-2.0, `realtime/models/README.md`). The decoding around them
follows the model cards: V. Bazarevsky et al., *BlazeFace* (arXiv:1907.05047); Y. Kartynnik et al., *Real-time Facial Surface
Geometry* (arXiv:1907.06724).
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
from numpy.typing import NDArray

MODELS = Path(__file__).parent / "models"
DETECTOR_SIZE = 128
MESH_SIZE = 256
N_LANDMARKS = 478
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3
ROI_SCALE = 1.5  # the mesh network wants the face with a quarter of its size around it
EYE_CORNERS = (33, 263)  # outer corners: right, left


@dataclass(frozen=True, kw_only=True)
class FaceBox:
    """One detected face. box: x0, y0, x1, y1 in pixels; keypoints [6, 2]: eyes, nose, mouth, ears; score 0..1."""

    box: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    score: float


@dataclass(frozen=True, kw_only=True)
class Region:
    """A rotated square to look at: centre (pixels), side (pixels), angle (radians, clockwise)."""

    centre: tuple[float, float]
    side: float
    angle: float

    def to_image(self) -> NDArray[np.float64]:
        """2x3 matrix from mesh-network pixels to image pixels."""
        scale = self.side / MESH_SIZE
        c, s = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        linear = np.array([[c, -s], [s, c]])
        offset = np.array(self.centre) - linear @ np.full(2, MESH_SIZE / 2)
        return np.hstack([linear, offset[:, None]])


class FaceLandmarker:
    """Finds faces and their landmarks. Not thread-safe: one instance a thread."""

    def __init__(self, threads: int = 1) -> None:
        core = ov.Core()
        options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        detector = core.read_model(MODELS / "face_detector.tflite")
        mesh = core.read_model(MODELS / "face_landmarks_detector.tflite")
        mesh.reshape([1, MESH_SIZE, MESH_SIZE, 3])
        self._detector = core.compile_model(detector, "CPU", options)
        self._mesh = core.compile_model(mesh, "CPU", options)
        self._anchors = _anchors()

    def detect(self, image_bgr: NDArray[np.uint8]) -> list[FaceBox]:
        """Faces in an image [H, W, 3], best first."""
        square, scale, offset = _letterbox(image_bgr)
        out = self._detector(square[None])
        raw, logits = out["regressors"][0], out["classificators"][0, :, 0]
        scores = _sigmoid(logits)
        keep = scores >= MIN_SCORE
        points = raw[keep].reshape(-1, 8, 2) / DETECTOR_SIZE
        points[:, 0] += self._anchors[keep]
        points[:, 2:] += self._anchors[keep][:, None]
        half = points[:, 1] / 2
        boxes = np.concatenate([points[:, 0] - half, points[:, 0] + half], 1)
        faces = []
        for box, keypoints, score in _merge(boxes, points[:, 2:], scores[keep]):
            faces.append(
                FaceBox(
                    box=((box.reshape(2, 2) * DETECTOR_SIZE - offset) / scale).reshape(4).astype(np.float32),
                    keypoints=((keypoints * DETECTOR_SIZE - offset) / scale).astype(np.float32),
                    score=float(score),
                )
            )
        return sorted(faces, key=lambda face: -face.score)

    def mesh(self, image_bgr: NDArray[np.uint8], region: Region) -> tuple[NDArray[np.float32], float]:
        """Landmarks [478, 3] in image pixels (z in the same unit, towards the camera negative) and the face's score 0..1."""
        to_image = region.to_image()
        patch = cv2.warpAffine(
            image_bgr,
            to_image,
            (MESH_SIZE, MESH_SIZE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        rgb = cv2.cvtColor(patch, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
        out = self._mesh(rgb[None])
        points = out[0].reshape(N_LANDMARKS, 3)
        score = float(_sigmoid(out[1].reshape(-1))[0])
        xy = points[:, :2] @ to_image[:, :2].T + to_image[:, 2]
        z = points[:, 2:] * (region.side / MESH_SIZE)
        return np.hstack([xy, z]).astype(np.float32), score

    def find(self, image_bgr: NDArray[np.uint8], face: FaceBox) -> NDArray[np.float32]:
        """Landmarks [478, 3] of a detected face; the second pass, framed by the first one's landmarks, is the sharper one."""
        points, _ = self.mesh(image_bgr, region_of_box(face))
        return self.mesh(image_bgr, region_of_landmarks(points))[0]


class FaceTracker:
    """Landmarks of the one face in a video: each frame is framed by the landmarks of the frame before."""

    def __init__(self, landmarker: FaceLandmarker) -> None:
        self._landmarker = landmarker
        self._last: NDArray[np.float32] | None = None

    def track(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Landmarks [478, 3] in pixels, or None where there is no face."""
        if self._last is not None:
            points, score = self._landmarker.mesh(image_bgr, region_of_landmarks(self._last))
            if score >= MIN_SCORE:
                self._last = points
                return points
        faces = self._landmarker.detect(image_bgr)
        self._last = self._landmarker.find(image_bgr, faces[0]) if faces else None
        return self._last


def region_of_box(face: FaceBox) -> Region:
    """The square around a detection, upright along the line of the eyes."""
    x0, y0, x1, y1 = (float(v) for v in face.box)
    right_eye, left_eye = face.keypoints[:2]
    return _region((x0, y0, x1, y1), left_eye - right_eye)


def region_of_landmarks(points: NDArray[np.float32]) -> Region:
    """The square around landmarks [478, 2 or 3], upright along the line of the eyes."""
    x0, y0 = points[:, :2].min(0)
    x1, y1 = points[:, :2].max(0)
    return _region((float(x0), float(y0), float(x1), float(y1)), points[EYE_CORNERS[1], :2] - points[EYE_CORNERS[0], :2])


def _region(box: tuple[float, float, float, float], eye_line: NDArray[np.float32]) -> Region:
    x0, y0, x1, y1 = box
    return Region(
        centre=((x0 + x1) / 2, (y0 + y1) / 2),
        side=max(x1 - x0, y1 - y0) * ROI_SCALE,
        angle=float(np.arctan2(eye_line[1], eye_line[0])),
    )


def _anchors() -> NDArray[np.float32]:
    """BlazeFace short range: two anchors a cell of 16x16, six a cell of 8x8; centres [896, 2] in 0..1."""
    grids = []
    for cells, per_cell in ((16, 2), (8, 6)):
        y, x = np.mgrid[0:cells, 0:cells]
        centres = np.stack([(x.ravel() + 0.5) / cells, (y.ravel() + 0.5) / cells], 1)
        grids.append(np.repeat(centres, per_cell, 0))
    return np.concatenate(grids).astype(np.float32)


def _letterbox(image_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float, NDArray[np.float64]]:
    """The whole image on a black 128x128 square in -1..1, its scale and its offset."""
    height, width = image_bgr.shape[:2]
    scale = DETECTOR_SIZE / max(height, width)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (DETECTOR_SIZE - w) // 2, (DETECTOR_SIZE - h) // 2
    square = np.zeros((DETECTOR_SIZE, DETECTOR_SIZE, 3), np.uint8)
    square[top : top + h, left : left + w] = cv2.resize(image_bgr, (w, h), interpolation=cv2.INTER_AREA)
    rgb = cv2.cvtColor(square, cv2.COLOR_BGR2RGB).astype(np.float32)
    return rgb / 127.5 - 1, scale, np.array([left, top], np.float64)


def _merge(
    boxes: NDArray[np.float32], keypoints: NDArray[np.float32], scores: NDArray[np.float32]
) -> list[tuple[NDArray[np.float32], NDArray[np.float32], float]]:
    """Weighted non-maximum suppression: overlapping detections become their score-weighted mean."""
    order, merged = list(np.argsort(-scores)), []
    while order:
        overlaps = np.array([_overlap(boxes[order[0]], boxes[i]) for i in order])
        group = [i for i, overlap in zip(order, overlaps, strict=True) if overlap > MAX_OVERLAP]
        weights = scores[group] / scores[group].sum()
        box = (boxes[group] * weights[:, None]).sum(0)
        points = (keypoints[group] * weights[:, None, None]).sum(0)
        merged.append((box, points, float(scores[order[0]])))
        order = [i for i in order if i not in group]
    return merged


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -50, 50))), np.float32)


def _overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1; a box overlaps itself wholly, however thin it is."""
    size = np.maximum(0, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]))
    shared = float(size.prod())
    union = float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()) - shared
    return shared / union if union > 0 else 1.0
