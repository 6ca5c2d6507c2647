"""One photograph that speaks: its face mesh is moved by action units and a head pose, and the photograph's pixels go with it.

The mesh is the detector's 478 points with depth, rings around the face that carry hair and neck, and a fixed border. Mouth and eyes are
holes in it: behind the mouth lies a drawn inside (`mouth_interior.py`), behind the lids the photograph's own eyes. A mouth that is open
in the photograph is first closed. Pixels move by what the mesh says and by nothing else, so its points are exact labels.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from realtime.errors import ConfigError
from realtime.face_landmarks import FaceLandmarker
from realtime.lip_map import INNER_LIP
from training.synthetic import face_units
from training.synthetic.mouth_interior import Interior, draw_interior, place
from training.synthetic.rasteriser import rasterise

Points = NDArray[np.float64]

OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
        172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398),
)
IRISES = tuple(range(468, 478))
UPPER_INNER, LOWER_INNER = (191, 80, 81, 82, 13, 312, 311, 310, 415), (95, 88, 178, 87, 14, 317, 402, 318, 324)
UPPER_OUTER, LOWER_OUTER = (185, 40, 39, 37, 0, 267, 269, 270, 409), (146, 91, 181, 84, 17, 314, 405, 321, 375)
CORNERS = (78, 308)
RINGS = ((1.18, 1.0, 0.35), (1.45, 0.9, 0.06), (1.9, 0.55, 0.0), (2.6, 0.15, 0.0))  # distance, share of head, of face motion
JAW = face_units.ACTION_UNITS.index("AU26")
PIVOT = (0.0, 1.3, 1.1)  # of the head, in eye distances from between the eyes: down, back
DEPTH_OF_MESH = 1.35  # the detector shortens depth (realtime/portrait.py)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """image uint8 [S, S, 3] RGB; points [478, 3]: where the mesh is in it, pixels."""

    image: NDArray[np.uint8]
    points: Points


class PhotoActor:
    """photo: square BGR picture of one face (realtime/portrait.py frames it so); size: of the frames.

    Raises ConfigError where there is no face in it.
    """

    def __init__(self, photo: NDArray[np.uint8], size: int, rng: np.random.Generator, landmarker: FaceLandmarker) -> None:
        resampling = cv2.INTER_AREA if photo.shape[0] > size else cv2.INTER_CUBIC
        bgr = np.asarray(cv2.resize(photo, (size, size), interpolation=resampling), np.uint8)
        faces = landmarker.detect(bgr)
        if not faces:
            raise ConfigError("no face in the photograph of a photo actor: another picture was expected")
        self.size = size
        self.picture = np.ascontiguousarray(bgr[..., ::-1].astype(np.float32) / 255)
        self.points = landmarker.find(bgr, faces[0]).astype(np.float64) * (1, 1, DEPTH_OF_MESH)
        self.unit, self.axes, self.origin = _frame_of(self.points)
        self._mesh, self._face_share, self._head_share, self._nearest = self._with_rings()
        self._corners = self._triangles()
        self._closing = _closing(self.points)
        self.interior: Interior = draw_interior(rng, self._light())

    def frame(self, action_units: Points, pose: Points, shift: Points, tongue: float = 0.0, gaze: Points | None = None) -> Frame:
        """action_units [A]: of face_units.ACTION_UNITS; pose: yaw, pitch, roll in radians, added to the photograph's; shift: x, y in
        eye distances; tongue 0..1; gaze: x, y in eye distances."""
        face = self._face_motion(action_units)
        moved = self._mesh.copy()
        moved[: len(face)] += face
        moved[len(face) :] += face[self._nearest] * self._face_share[:, None]
        moved = self._turned(moved, pose, shift)
        coverage = rasterise(moved, self._corners, self.size)
        source = coverage.interpolate(self._mesh[:, :2], self._corners)
        image, mask = self._skin(coverage.pixels, source)
        image = self._behind(image, mask, moved, action_units, tongue, gaze)
        return Frame(image=(np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), points=moved[: face_units.N_POINTS])

    def _face_motion(self, action_units: Points) -> Points:
        """Displacement [478, 3] in pixels. Lips that meet press on each other and do not cross."""
        moved = face_units.displacement(action_units[None])[0] * self.unit @ self.axes.T + self._closing
        lips = self.points + moved
        upper, lower = np.array(UPPER_INNER), np.array(LOWER_INNER)
        down = self.axes[:, 1]
        crossed = np.minimum((lips[lower] - lips[upper]) @ down, 0) / 2
        for inner, outer, sign in ((upper, np.array(UPPER_OUTER), 1), (lower, np.array(LOWER_OUTER), -1)):
            moved[inner] += sign * crossed[:, None] * down
            moved[outer] += sign * 0.6 * crossed[:, None] * down
        return np.asarray(moved)

    def _turned(self, points: Points, pose: Points, shift: Points) -> Points:
        """The head's motion; rings follow less and less, the border not at all."""
        pivot = self.origin + self.unit * (self.axes @ np.array(PIVOT))
        turned = (points - pivot) @ _rotation(pose).T + pivot
        turned[:, :2] += shift * self.unit
        return np.asarray(points + (turned - points) * self._head_share[:, None])

    def _skin(self, pixels: NDArray[np.int64], source: Points) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The photograph on the moved mesh, and where it is; holes show the photograph as it lies, to be painted over."""
        y, x = np.mgrid[0 : self.size, 0 : self.size].astype(np.float32)
        maps = np.stack([x.ravel(), y.ravel()], 1)
        maps[pixels] = source - 0.5
        mask = np.zeros(self.size**2, np.float32)
        mask[pixels] = 1
        grid = maps.reshape(self.size, self.size, 2)
        image = cv2.remap(self.picture, grid[..., 0], grid[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(image, np.float32), mask.reshape(self.size, self.size)

    def _behind(
        self,
        image: NDArray[np.float32],
        mask: NDArray[np.float32],
        moved: Points,
        action_units: Points,
        tongue: float,
        gaze: Points | None,
    ) -> NDArray[np.float32]:
        """Fills the holes: the eyes' and the mouth's."""
        eyes = self._eyes(moved, gaze)
        holes = 1 - mask
        lip_line, unit_map = self._mouth_frame(moved)
        mouth = np.zeros_like(mask)
        cv2.fillPoly(mouth, [np.round(moved[list(INNER_LIP), :2] * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
        del lip_line
        jaw = float(face_units.basis()[JAW, 14, 1] * action_units[JAW]) * 0.9
        inside = place(self.interior, mouth, to_frame=unit_map, jaw=jaw, tongue=tongue)
        soft = np.clip(cv2.GaussianBlur(mouth, (0, 0), 0.7), 0, 1)[..., None]
        eye_holes = (holes * (mouth == 0)).astype(np.float32)
        eye_soft = np.clip(cv2.GaussianBlur(eye_holes, (0, 0), 0.6), 0, 1)[..., None]
        image = image + (eyes - image) * eye_soft
        return np.asarray(image + (inside - image) * soft, np.float32)

    def _eyes(self, moved: Points, gaze: Points | None) -> NDArray[np.float32]:
        """The photograph moved as a whole, as each eye's corners are."""
        out = self.picture
        for eye in EYES:
            inner = [eye[0], eye[8]]
            shift = (moved[inner, :2] - self.points[inner, :2]).mean(0)
            shift = shift + (gaze * self.unit if gaze is not None else 0)
            matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            whole = cv2.warpAffine(self.picture, matrix, (self.size, self.size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            x = int(moved[list(eye), 0].mean())
            half = slice(0, self.size // 2) if eye is EYES[0] else slice(self.size // 2, None)
            del x
            out = out.copy()
            out[:, half] = whole[:, half]
        return np.asarray(out, np.float32)

    def _mouth_frame(self, moved: Points) -> tuple[Points, Points]:
        """The upper jaw's place: where the lip line of the closed mouth lies, turned with the head."""
        rigid = moved[[168, 6, 197, 195]] - self.points[[168, 6, 197, 195]]
        middle = (self.points[list(UPPER_INNER)] + self._closing[list(UPPER_INNER)]).mean(0) + rigid.mean(0)
        across = moved[263, :2] - moved[33, :2]
        across = across / np.hypot(*across) * self.unit
        matrix = np.array([[across[0], -across[1], middle[0]], [across[1], across[0], middle[1]]])
        return middle, matrix

    def _with_rings(self) -> tuple[Points, Points, Points, NDArray[np.intp]]:
        oval = self.points[list(OVAL)]
        centre = oval.mean(0)
        rings, face, head = [], [], []
        for scale, of_head, of_face in RINGS:
            ring = centre + (oval - centre) * (scale, scale, 1)
            ring[:, 2] = oval[:, 2] + (scale - 1) * self.unit
            rings.append(ring)
            face.append(np.full(len(ring), of_face))
            head.append(np.full(len(ring), of_head))
        side = np.linspace(0, self.size, 9)
        border = np.array([[x, y, centre[2] + 2 * self.unit] for x in side for y in side if {x, y} & {0.0, float(self.size)}])
        around = np.concatenate(rings)
        room = self.size / 24
        inside = ((around[:, :2] > room) & (around[:, :2] < self.size - room)).all(1)
        mesh = np.concatenate([self.points, around[inside], border])
        face_share = np.concatenate([np.concatenate(face)[inside], np.zeros(len(border))])
        head_share = np.concatenate([np.ones(len(self.points)), np.concatenate(head)[inside], np.zeros(len(border))])
        nearest = np.concatenate([np.tile(OVAL, len(RINGS))[inside], np.full(len(border), OVAL[0])])
        return mesh, face_share, head_share, nearest

    def _triangles(self) -> NDArray[np.int32]:
        """Delaunay's, of the face with mouth and eyes wide open; those within mouth and eyes are left out."""
        strengths = np.zeros(len(face_units.ACTION_UNITS))
        strengths[JAW] = 0.6
        opened = self._mesh[:, :2].copy()
        opened[: len(self.points)] += (face_units.displacement(strengths[None])[0] * self.unit @ self.axes.T)[:, :2]
        used = np.setdiff1d(np.arange(len(opened)), IRISES)
        corners = used[Delaunay(opened[used]).simplices].astype(np.int32)
        middles = opened[corners].mean(1)
        keep = np.ones(len(corners), bool)
        for hole in (INNER_LIP, *EYES):
            polygon = opened[list(hole)].astype(np.float32)
            keep &= np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) < 0 for x, y in middles])
        return corners[keep]

    def _light(self) -> float:
        """How bright the skin around the mouth is, against a face in good light."""
        around = self.points[[50, 280, 205, 425, 199], :2].round().astype(int).clip(0, self.size - 1)
        return float(np.clip(self.picture[around[:, 1], around[:, 0]].max(1).mean() / 0.78, 0.45, 1.05))


def _frame_of(points: Points) -> tuple[float, Points, Points]:
    """Eye distance in pixels, axes [3, 3] (columns: right, down, back) and the origin between the eyes."""
    right, left = points[[33, 133]].mean(0), points[[362, 263]].mean(0)
    unit = float(np.linalg.norm(left - right))
    x = (left - right) / unit
    down = points[152] - points[10]
    down = down - x * (down @ x)
    y = down / np.linalg.norm(down)
    return unit, np.stack([x, y, np.cross(x, y)], 1), (right + left) / 2


def _closing(points: Points) -> Points:
    """What shuts an open mouth: [478, 3]. The upper lip comes down a third of the way, the lower lip and what is near it the rest."""
    moved = np.zeros_like(points)
    upper, lower = points[list(UPPER_INNER)], points[list(LOWER_INNER)]
    gap = lower - upper
    moved[list(UPPER_INNER)], moved[list(UPPER_OUTER)] = gap * 0.35, gap * 0.3
    moved[list(LOWER_INNER)], moved[list(LOWER_OUTER)] = -gap * 0.65, -gap * 0.6
    lips = set(UPPER_INNER + UPPER_OUTER + LOWER_INNER + LOWER_OUTER + CORNERS)
    width = float(np.hypot(*(points[308] - points[78])[:2]))
    rest = np.array([i for i in range(len(points)) if i not in lips])
    for middle, whole in ((points[17], -gap.mean(0) * 0.6), (points[0], gap.mean(0) * 0.3)):
        near = np.exp(-(((points[rest, :2] - middle[:2]) ** 2).sum(1) / (0.5 * width) ** 2))
        side = (points[rest, 1] - points[list(CORNERS), 1].mean()) * (1 if middle is points[17] else -1) > 0
        moved[rest] += near[:, None] * whole
        del side
    return moved


def _rotation(pose: Points) -> Points:
    """yaw, pitch, roll (radians) → [3, 3], in a frame with y down and z away."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(pose), np.sin(pose)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(roll @ pitch @ yaw)
