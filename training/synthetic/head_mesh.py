"""The mesh that a photograph is moved by: the detector's 478 points with depth, rings around the face that carry hair and neck,
and a fixed border. Mouth and eyes are holes in it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from realtime.lip_map import INNER_LIP
from training.synthetic import face_units

Points = NDArray[np.float64]

OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
        172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398),
)
IRISES = tuple(range(468, 478))
# Around the face: distance, share of the head's motion, of the face's.
RINGS = ((1.1, 1.0, 0.75), (1.25, 1.0, 0.4), (1.5, 0.85, 0.12), (2.0, 0.5, 0.0), (2.7, 0.12, 0.0))
BORDER_POINTS = 9  # a side
PIVOT = (0.0, 1.3, 1.1)  # of the head, in eye distances from between the eyes: down, back
DEEPEST = 0.55  # eye distances behind the eyes: what lies deeper is drawn up to here, else a turn would fold the cheek's edge
OPENED = 0.6  # of AU26: with so open a mouth the triangles are laid out, so that they fit the lips


class HeadMesh:
    """points [478, 3] in pixels as the detector finds them; size: of the picture.

    face [478, 3]: the points, less deep; all [N, 3]: with rings and border; corners [M, 3]; unit: eye distance; axes [3, 3]:
    columns right, down, back of this head; origin: between its eyes.
    """

    def __init__(self, points: Points, size: int) -> None:
        self.unit, self.axes, self.origin = _frame_of(points)
        depth = (points[:, 2] - self.origin[2]) / self.unit
        self.face = points.copy()
        self.face[:, 2] = self.origin[2] + self.unit * np.where(depth > 0, DEEPEST * np.tanh(depth / DEEPEST), depth)
        self._add_rings(size)
        self.corners = self._triangles()

    def in_pixels(self, displacement: Points) -> Points:
        """Eye distances in the head's own frame [..., 3] → pixels of the picture."""
        return np.asarray(displacement * self.unit @ self.axes.T)

    def displaced(self, by: Points) -> Points:
        """All points [N, 3] with the face's moved by [478, 3] pixels; the rings follow."""
        moved = self.all.copy()
        moved[: len(by)] += by
        moved[len(by) :] += by[self._nearest] * self._face_share[:, None]
        return moved

    def turned(self, points: Points, pose: Points, shift: Points) -> Points:
        """The head's motion (yaw, pitch, roll in radians; x, y in eye distances); rings follow less and less, the border
        stays."""
        pivot = self.origin + self.in_pixels(np.array(PIVOT))
        turned = (points - pivot) @ _rotation(pose).T + pivot
        turned[:, :2] += shift * self.unit
        return np.asarray(points + (turned - points) * self._head_share[:, None])

    def _add_rings(self, size: int) -> None:
        oval = self.face[list(OVAL)]
        centre = oval.mean(0)
        rings = [centre + (oval - centre) * (scale, scale, 1) + (0, 0, (scale - 1) * self.unit) for scale, _, _ in RINGS]
        around = np.concatenate(rings)
        room = size / 24
        inside = ((around[:, :2] > room) & (around[:, :2] < size - room)).all(1)
        side = np.linspace(0, size, BORDER_POINTS)
        edge = [(x, y, centre[2] + 2 * self.unit) for x in side for y in side if {x, y} & {0.0, float(size)}]
        head, face = (np.repeat([ring[column] for ring in RINGS], len(OVAL))[inside] for column in (1, 2))
        self.all = np.concatenate([self.face, around[inside], np.array(edge)])
        self._head_share = np.concatenate([np.ones(len(self.face)), head, np.zeros(len(edge))])
        self._face_share = np.concatenate([face, np.zeros(len(edge))])
        self._nearest = np.concatenate([np.tile(OVAL, len(RINGS))[inside], np.full(len(edge), OVAL[0])])

    def _triangles(self) -> NDArray[np.int32]:
        """Delaunay's; those within the open mouth and the eyes are left out."""
        jaw = face_units.basis()[face_units.ACTION_UNITS.index("AU26")]
        opened = self.displaced(self.in_pixels(OPENED * jaw))[:, :2]
        used = np.setdiff1d(np.arange(len(opened)), IRISES)
        corners = used[Delaunay(opened[used]).simplices].astype(np.int32)
        middles = opened[corners].mean(1)
        keep = np.ones(len(corners), bool)
        for hole in (INNER_LIP, *EYES):
            polygon = opened[list(hole)].astype(np.float32)
            keep &= np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) < 0 for x, y in middles])
        return np.asarray(corners[keep])


def _frame_of(points: Points) -> tuple[float, Points, Points]:
    """Eye distance, axes and origin."""
    right, left = points[[33, 133]].mean(0), points[[362, 263]].mean(0)
    unit = float(np.linalg.norm(left - right))
    x = (left - right) / unit
    down = points[152] - points[10]
    down = down - x * (down @ x)
    y = down / np.linalg.norm(down)
    return unit, np.stack([x, y, np.cross(x, y)], 1), (right + left) / 2


def _rotation(pose: Points) -> Points:
    """yaw, pitch, roll → [3, 3], in a frame with y down and z away."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(pose), np.sin(pose)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(roll @ pitch @ yaw)
