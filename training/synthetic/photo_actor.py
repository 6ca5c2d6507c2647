"""One photograph that speaks: its face mesh is moved by action units and a head pose, and the photograph's pixels go with it.

The mesh is the detector's 478 points with depth, rings around the face that carry hair and neck, and a fixed border. Mouth and eyes are
holes in it: behind the mouth lies a drawn inside (`mouth_interior.py`), behind the lids the photograph's own eyes. A mouth that is open
in the photograph is first closed. Pixels move by what the mesh says and by nothing else, so its points are exact labels.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from realtime.errors import ConfigError
from realtime.face_landmarks import FaceLandmarker
from realtime.lip_map import INNER_LIP
from training.synthetic import face_units
from training.synthetic.lips import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER, Lips
from training.synthetic.mouth_interior import FINE, SIDE, Interior, draw_interior, place
from training.synthetic.rasteriser import rasterise

Points = NDArray[np.float64]

OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
        172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398),
)
IRISES = tuple(range(468, 478))
NOSE_BRIDGE = (168, 6, 197, 195)
RINGS = ((1.1, 1.0, 0.75), (1.25, 1.0, 0.4), (1.5, 0.85, 0.12), (2.0, 0.5, 0.0), (2.7, 0.12, 0.0))  # distance; share of head, of face
LID_SKIN = (
    ((247, 30, 29, 27, 28, 56, 190), (467, 260, 259, 257, 258, 286, 414), 0.55),
    ((113, 225, 224, 223, 222, 221, 189), (342, 445, 444, 443, 442, 441, 413), 0.18),
)  # of the right and of the left eye, from its outer corner; by how much of the lid's way each row follows
LID_MEETS = 0.88  # of the way to the lower lid, which comes up the rest
BLINK = face_units.ACTION_UNITS.index("AU43")
SHOWS_TEETH = 0.04  # eye distances between the lips from which on a photograph's mouth is a smile with teeth
SMILE_UNDONE = 0.45  # of AU12, when such a mouth is closed
PRESSED_REACH = 0.1  # eye distances: how far from the rim lips give way that press on each other
INTO_LIP = 0.22  # of a lip's height
SMILE = face_units.ACTION_UNITS.index("AU12")
JAW = face_units.ACTION_UNITS.index("AU26")
TEETH_FOLLOW = 0.85  # of the lower lip's drop: the lip uncovers the lower teeth
SOFT_EDGE = 0.012  # eye distances: of a hole's rim
PIVOT = (0.0, 1.3, 1.1)  # of the head, in eye distances from between the eyes: down, back
DEEPEST = 0.55  # eye distances behind the eyes: what lies deeper is drawn up to here, else a turn would fold the cheek's edge


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
        self.points = landmarker.find(bgr, faces[0]).astype(np.float64)
        self.unit, self.axes, self.origin = _frame_of(self.points)
        depth = (self.points[:, 2] - self.origin[2]) / self.unit
        self.points[:, 2] = self.origin[2] + self.unit * np.where(depth > 0, DEEPEST * np.tanh(depth / DEEPEST), depth)
        self._mesh, self._face_share, self._head_share, self._nearest = self._with_rings()
        self._corners = self._triangles()
        self._lips = Lips(self.points, self.unit)
        self._closing = self._lips.closing() - self._smile()
        self._source = self._sampled()
        self.interior: Interior = self._interior(draw_interior(rng, self._light()))

    def frame(self, action_units: Points, pose: Points, shift: Points, tongue: float = 0.0, gaze: Points | None = None) -> Frame:
        """action_units [A]: of face_units.ACTION_UNITS; pose: yaw, pitch, roll in radians, added to the photograph's; shift: x, y in
        eye distances; tongue 0..1; gaze: x, y in eye distances."""
        moved = self._turned(self._moved(self._face_motion(action_units)), pose, shift)
        coverage = rasterise(moved, self._corners, self.size)
        source = coverage.interpolate(self._source, self._corners)
        image = self._skin(coverage.pixels, source)
        image = self._behind(image, moved, action_units, tongue, gaze)
        return Frame(image=(np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), points=moved[: face_units.N_POINTS])

    def _moved(self, face: Points) -> Points:
        """The mesh with the face's points displaced by [478, 3], the rings around it following."""
        moved = self._mesh.copy()
        moved[: len(face)] += face
        moved[len(face) :] += face[self._nearest] * self._face_share[:, None]
        return moved

    def _face_motion(self, action_units: Points) -> Points:
        """Displacement [478, 3] in pixels. Lips that meet press on each other and do not cross."""
        without_lids = np.where(np.arange(len(action_units)) == BLINK, 0, action_units)
        moved = face_units.displacement(without_lids[None])[0] * self.unit @ self.axes.T + self._closing
        moved += self._lids(moved, float(np.clip(action_units[BLINK], 0, 1)))
        lips, down = self.points + moved, self.axes[:, 1]
        crossed = np.minimum((lips[list(LOWER_INNER)] - lips[list(UPPER_INNER)]) @ down, 0) / 2
        return np.asarray(moved + self._lips.spread(crossed[:, None] * down, -crossed[:, None] * down, PRESSED_REACH))

    def _lids(self, moved: Points, shut: float) -> Points:
        """Upper lids go down to the lower ones, wherever those are: their skin follows row by row, so that none is stretched far."""
        lids = np.zeros_like(moved)
        at = self.points + moved
        for side, eye in enumerate(EYES):
            ring = np.array(eye)
            lower = ring[1:8]
            upper = ring[:8:-1]
            way = (at[lower] - at[upper]) * shut
            lids[upper] += way * LID_MEETS
            lids[lower] -= way * (1 - LID_MEETS)
            order = slice(None) if side == 0 else slice(None, None, -1)  # the left eye's ring begins at its inner corner
            for *rows, share in LID_SKIN:
                lids[np.array(rows[side])] += way[order] * LID_MEETS * share  # type: ignore[arg-type]
        return lids

    def _turned(self, points: Points, pose: Points, shift: Points) -> Points:
        """The head's motion; rings follow less and less, the border not at all."""
        pivot = self.origin + self.unit * (self.axes @ np.array(PIVOT))
        turned = (points - pivot) @ _rotation(pose).T + pivot
        turned[:, :2] += shift * self.unit
        return np.asarray(points + (turned - points) * self._head_share[:, None])

    def _skin(self, pixels: NDArray[np.int64], source: Points) -> NDArray[np.float32]:
        """The photograph on the moved mesh [S, S, 3]; a pixel that no triangle covers takes its neighbours' colour."""
        y, x = np.mgrid[0 : self.size, 0 : self.size].astype(np.float32)
        maps = np.stack([x.ravel(), y.ravel()], 1)
        maps[pixels] = source - 0.5
        covered = np.zeros(self.size**2, np.float32)
        covered[pixels] = 1
        covered, grid = covered.reshape(self.size, self.size), maps.reshape(self.size, self.size, 2)
        image = cv2.remap(self.picture, grid[..., 0], grid[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        near = cv2.blur(covered, (5, 5))[..., None]
        filled = cv2.blur(image * covered[..., None], (5, 5)) / np.maximum(near, 1e-6)
        return np.asarray(np.where((covered[..., None] == 0) & (near > 0), filled, image), np.float32)

    def _behind(
        self,
        image: NDArray[np.float32],
        moved: Points,
        action_units: Points,
        tongue: float,
        gaze: Points | None,
    ) -> NDArray[np.float32]:
        """Fills the holes: the eyes' and the mouth's, with edges smoother than a pixel."""
        mouth = self._opening(INNER_LIP, moved)
        eyes = np.maximum(self._opening(EYES[0], moved), self._opening(EYES[1], moved))
        jaw = float(face_units.basis()[JAW, 14, 1] * action_units[JAW]) * TEETH_FOLLOW
        inside = place(self.interior, mouth, to_frame=self._mouth_frame(moved), jaw=jaw, tongue=tongue)
        for picture, hole in ((self._eyes(moved, gaze), eyes), (inside, mouth)):
            soft = cv2.GaussianBlur(hole, (0, 0), SOFT_EDGE * self.unit)[..., None]
            image = image + (picture - image) * soft
        return np.asarray(image, np.float32)

    def _opening(self, rim: tuple[int, ...], moved: Points) -> NDArray[np.float32]:
        """A hole as a mask [S, S], 0..1; one that is narrower than a pixel fades."""
        polygon = moved[list(rim), :2]
        half = len(rim) // 2
        gap = float(np.abs(polygon[1:half, 1] - polygon[:half:-1, 1]).mean())
        mask = np.zeros((self.size, self.size), np.uint8)  # edges are smoothed in pictures of 8 bits alone
        cv2.fillPoly(mask, [np.round((polygon - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return mask.astype(np.float32) * min(gap, 1.0) / 255

    def _eyes(self, moved: Points, gaze: Points | None) -> NDArray[np.float32]:
        """The photograph, each half moved as the corners of its eye are."""
        out = np.empty_like(self.picture)
        middle = int(moved[NOSE_BRIDGE[0], 0])
        for eye, half in zip(EYES, (slice(0, middle), slice(middle, None)), strict=True):
            corners = [eye[0], eye[8]]
            shift = (moved[corners, :2] - self.points[corners, :2]).mean(0)
            shift = shift + (gaze * self.unit if gaze is not None else 0)
            matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            shape = (self.size, self.size)
            out[:, half] = cv2.warpAffine(self.picture, matrix, shape, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)[:, half]
        return out

    def _mouth_frame(self, moved: Points) -> Points:
        """The upper jaw's place [2, 3]: where the lip line of the closed mouth lies, turned with the head."""
        rigid = (moved[list(NOSE_BRIDGE)] - self.points[list(NOSE_BRIDGE)]).mean(0)
        middle = (self.points[list(UPPER_INNER)] + self._closing[list(UPPER_INNER)]).mean(0) + rigid
        across = moved[263, :2] - moved[33, :2]
        across = across / np.hypot(*across) * self.unit
        return np.array([[across[0], -across[1], middle[0]], [across[1], across[0], middle[1]]])

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
        opened = self._moved(face_units.displacement(strengths[None])[0] * self.unit @ self.axes.T)[:, :2]
        used = np.setdiff1d(np.arange(len(opened)), IRISES)
        corners = used[Delaunay(opened[used]).simplices].astype(np.int32)
        middles = opened[corners].mean(1)
        keep = np.ones(len(corners), bool)
        for hole in (INNER_LIP, *EYES):
            polygon = opened[list(hole)].astype(np.float32)
            keep &= np.array([cv2.pointPolygonTest(polygon, (float(x), float(y)), False) < 0 for x, y in middles])
        return corners[keep]

    def _sampled(self) -> Points:
        """Where in the photograph each point's colour lies [N, 2]: that of a lip's rim a little inside the lip, because at the rim
        itself a detector's error brings in teeth or shadow."""
        source = self._mesh[:, :2].copy()
        for inner, outer in ((UPPER_INNER, UPPER_OUTER), (LOWER_INNER, LOWER_OUTER)):
            source[list(inner)] += INTO_LIP * (source[list(outer)] - source[list(inner)])
        return source

    def _interior(self, drawn: Interior) -> Interior:
        """A photograph that shows teeth keeps its own: they are laid over the drawn upper ones."""
        rest = self._mouth_frame(self.points)
        to_photo = np.hstack([rest[:, :2] / FINE, (rest[:, 2] - rest[:, :2] @ np.full(2, SIDE / 2))[:, None]])
        side = drawn.upper.shape[0]
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        mask = self._opening(INNER_LIP, self.points)
        share = float(np.clip((self._lips.gap - SHOWS_TEETH) / SHOWS_TEETH, 0, 1))
        own = cv2.warpAffine(self.picture, to_photo, (side, side), flags=flags) / drawn.light
        cover = share * cv2.GaussianBlur(cv2.warpAffine(cv2.erode(mask, np.ones((3, 3))), to_photo, (side, side), flags=flags), (0, 0), 1.2)
        cover = np.clip(cover, 0, 1)[..., None]
        upper = drawn.upper.copy()
        upper[..., :3] += (own - upper[..., :3]) * cover
        upper[..., 3:] = np.maximum(upper[..., 3:], cover)
        return replace(drawn, upper=upper.astype(np.float32))

    def _smile(self) -> Points:
        """What of a photograph's smile is taken back with its teeth [478, 3]."""
        share = float(np.clip((self._lips.gap - SHOWS_TEETH) / SHOWS_TEETH, 0, 1)) * SMILE_UNDONE
        return np.asarray(share * face_units.basis()[SMILE] * self.unit @ self.axes.T)

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


def _rotation(pose: Points) -> Points:
    """yaw, pitch, roll (radians) → [3, 3], in a frame with y down and z away."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(pose), np.sin(pose)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(roll @ pitch @ yaw)
