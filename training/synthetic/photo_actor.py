"""One photograph that speaks: its head's mesh is moved by action units and a pose, and the photograph's pixels go with it.

Behind the hole of the mouth lies a drawn inside (`mouth_interior.py`), behind the lids the photograph's own eyes. A mouth that is
open in the photograph is first closed. Pixels move by what the mesh says and by nothing else, so its points are exact labels.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from realtime.face_landmarks import FaceLandmarker
from realtime.lip_map import INNER_LIP
from training.synthetic import face_units
from training.synthetic.head_mesh import EYES, HeadMesh
from training.synthetic.lips import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER, Lips
from training.synthetic.mouth_interior import FINE, SIDE, Interior, draw_interior, place
from training.synthetic.rasteriser import rasterise

Points = NDArray[np.float64]
Picture = NDArray[np.float32]

NOSE_BRIDGE = (168, 6, 197, 195)
SKIN_POINTS = (50, 280, 205, 425, 199)  # cheeks and chin
LID_SKIN = (
    ((247, 30, 29, 27, 28, 56, 190), (467, 260, 259, 257, 258, 286, 414), 0.55),
    ((113, 225, 224, 223, 222, 221, 189), (342, 445, 444, 443, 442, 441, 413), 0.18),
)  # of the right and of the left eye, from its outer corner; by how much of the lid's way each row follows
LID_MEETS = 0.88  # of the way to the lower lid, which comes up the rest
BLINK, JAW, SMILE = (face_units.ACTION_UNITS.index(unit) for unit in ("AU43", "AU26", "AU12"))
TEETH_FOLLOW = 0.85  # of the lower lip's drop: the lip uncovers the lower teeth
SHOWS_TEETH = 0.04  # eye distances between the lips from which on a photograph's mouth is a smile with teeth
SMILE_UNDONE = 0.45  # of AU12, when such a mouth is closed
PRESSED_REACH = 0.1  # eye distances: how far from the rim lips give way that press on each other
INTO_LIP = 0.22  # of a lip's height
SOFT_EDGE = 0.012  # eye distances: of a hole's rim
GOOD_LIGHT = 0.78  # of a face's brightest channel


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
        self.picture: Picture = np.ascontiguousarray(bgr[..., ::-1].astype(np.float32) / 255)
        self.mesh = HeadMesh(landmarker.find(bgr, faces[0]).astype(np.float64), size)
        self._lips = Lips(self.mesh.face, self.mesh.unit)
        self._teeth_shown = float(np.clip(self._lips.gap / SHOWS_TEETH - 1, 0, 1))
        smile = self.mesh.in_pixels(self._teeth_shown * SMILE_UNDONE * face_units.basis()[SMILE])
        self._closing = Lips(self.mesh.face - smile, self.mesh.unit).closing() - smile
        self._source = self._sampled()
        self.interior = self._with_own_teeth(draw_interior(rng, self._light()))

    def frame(self, action_units: Points, pose: Points, shift: Points, tongue: float = 0.0, gaze: Points | None = None) -> Frame:
        """action_units [A]: of face_units.ACTION_UNITS; pose: yaw, pitch, roll in radians, added to the photograph's; shift: x, y
        in eye distances; tongue 0..1; gaze: x, y in eye distances."""
        moved = self.mesh.turned(self.mesh.displaced(self._face_motion(action_units)), pose, shift)
        image = self._skin(moved)
        mouth = self._opening(INNER_LIP, moved)
        eyes = np.maximum(self._opening(EYES[0], moved), self._opening(EYES[1], moved))
        drop = float(face_units.basis()[JAW, 14, 1] * action_units[JAW]) * TEETH_FOLLOW
        inside = place(self.interior, mouth, to_frame=self._jaw_frame(moved), jaw=drop, tongue=tongue)
        for behind, hole in ((self._eyes(moved, gaze), eyes), (inside, mouth)):
            soft = cv2.GaussianBlur(hole, (0, 0), SOFT_EDGE * self.mesh.unit)[..., None]
            image = image + (behind - image) * soft
        return Frame(image=(np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), points=moved[: face_units.N_POINTS])

    def _face_motion(self, action_units: Points) -> Points:
        """Displacement [478, 3] in pixels. Lips that meet press on each other and do not cross, and are joined at the corners."""
        without_lids = np.where(np.arange(len(action_units)) == BLINK, 0, action_units)
        moved = self.mesh.in_pixels(face_units.displacement(without_lids[None])[0]) + self._closing
        moved += self._lids(moved, float(np.clip(action_units[BLINK], 0, 1)))
        lips, down = self.mesh.face + moved, self.mesh.axes[:, 1]
        gap = (lips[list(LOWER_INNER)] - lips[list(UPPER_INNER)]) @ down
        give = (self._lips.allowed(gap) - gap)[:, None] / 2 * down
        return np.asarray(moved + self._lips.spread(-give, give, PRESSED_REACH))

    def _lids(self, moved: Points, shut: float) -> Points:
        """Upper lids go down to the lower ones, wherever those are; their skin follows row by row: none is stretched far."""
        lids = np.zeros_like(moved)
        at = self.mesh.face + moved
        for side, eye in enumerate(EYES):
            ring = np.array(eye)
            lower, upper = ring[1:8], ring[:8:-1]
            way = (at[lower] - at[upper]) * shut
            lids[upper] += way * LID_MEETS
            lids[lower] -= way * (1 - LID_MEETS)
            order = slice(None) if side == 0 else slice(None, None, -1)  # the left eye's ring begins at its inner corner
            for *rows, share in LID_SKIN:
                lids[np.array(rows[side])] += way[order] * LID_MEETS * share
        return lids

    def _skin(self, moved: Points) -> Picture:
        """The photograph on the moved mesh [S, S, 3]; a pixel that no triangle covers takes its neighbours' colour."""
        coverage = rasterise(moved, self.mesh.corners, self.size)
        y, x = np.mgrid[0 : self.size, 0 : self.size].astype(np.float32)
        maps, flat = np.stack([x.ravel(), y.ravel()], 1), np.zeros(self.size**2, np.float32)
        maps[coverage.pixels] = coverage.interpolate(self._source, self.mesh.corners) - 0.5
        flat[coverage.pixels] = 1
        covered, grid = flat.reshape(self.size, self.size), maps.reshape(self.size, self.size, 2)
        image = cv2.remap(self.picture, grid[..., 0], grid[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        near = cv2.blur(covered, (5, 5))[..., None]
        filled = cv2.blur(image * covered[..., None], (5, 5)) / np.maximum(near, 1e-6)
        return np.asarray(np.where((covered[..., None] == 0) & (near > 0), filled, image), np.float32)

    def _opening(self, rim: tuple[int, ...], moved: Points) -> Picture:
        """A hole as a mask [S, S], 0..1; one that is narrower than a pixel fades."""
        polygon = moved[list(rim), :2]
        half = len(rim) // 2
        gap = float(np.abs(polygon[1:half, 1] - polygon[:half:-1, 1]).mean())
        mask = np.zeros((self.size, self.size), np.uint8)  # edges are smoothed in pictures of 8 bits alone
        cv2.fillPoly(mask, [np.round((polygon - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return mask.astype(np.float32) * np.float32(min(gap, 1.0) / 255)

    def _eyes(self, moved: Points, gaze: Points | None) -> Picture:
        """The photograph, each half moved as the corners of its eye are."""
        out: Picture = np.empty_like(self.picture)
        middle = int(moved[NOSE_BRIDGE[0], 0])
        for eye, half in zip(EYES, (slice(0, middle), slice(middle, None)), strict=True):
            corners = [eye[0], eye[8]]
            shift = (moved[corners, :2] - self.mesh.face[corners, :2]).mean(0)
            shift = shift + (gaze * self.mesh.unit if gaze is not None else 0)
            matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            flags, shape = cv2.INTER_CUBIC, (self.size, self.size)
            whole = cv2.warpAffine(self.picture, matrix, shape, flags=flags, borderMode=cv2.BORDER_REPLICATE)
            out[:, half] = whole[:, half]
        return out

    def _jaw_frame(self, moved: Points) -> Points:
        """The upper jaw's place [2, 3], eye distances → pixels: where the lip line of the closed mouth lies, turned with the
        head."""
        rigid = (moved[list(NOSE_BRIDGE)] - self.mesh.face[list(NOSE_BRIDGE)]).mean(0)
        upper = list(UPPER_INNER)
        middle = (self.mesh.face[upper] + self._closing[upper]).mean(0) + rigid
        across = moved[263, :2] - moved[33, :2]
        across = across / np.hypot(*across) * self.mesh.unit
        return np.array([[across[0], -across[1], middle[0]], [across[1], across[0], middle[1]]])

    def _sampled(self) -> Points:
        """Where in the photograph each point's colour lies [N, 2]: that of a lip's rim a little inside the lip, because at the
        rim itself a detector's error brings in teeth or shadow."""
        source = self.mesh.all[:, :2].copy()
        for inner, outer in ((UPPER_INNER, UPPER_OUTER), (LOWER_INNER, LOWER_OUTER)):
            source[list(inner)] += INTO_LIP * (source[list(outer)] - source[list(inner)])
        return source

    def _with_own_teeth(self, drawn: Interior) -> Interior:
        """A photograph that shows teeth keeps its own: they are laid over the drawn upper ones."""
        rest, side = self._jaw_frame(self.mesh.all), drawn.upper.shape[0]
        to_photo = np.hstack([rest[:, :2] / FINE, (rest[:, 2] - rest[:, :2] @ np.full(2, SIDE / 2))[:, None]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        own = cv2.warpAffine(self.picture, to_photo, (side, side), flags=flags) / drawn.light
        mask = cv2.erode(self._opening(INNER_LIP, self.mesh.face), np.ones((3, 3)))
        mask = cv2.GaussianBlur(cv2.warpAffine(mask, to_photo, (side, side), flags=flags), (0, 0), 1.2)
        cover = np.clip(self._teeth_shown * mask, 0, 1)[..., None]
        colour = drawn.upper[..., :3] + (own - drawn.upper[..., :3]) * cover
        return replace(drawn, upper=np.dstack([colour, np.maximum(drawn.upper[..., 3:], cover)]).astype(np.float32))

    def _light(self) -> float:
        """How bright the skin around the mouth is, against a face in good light."""
        x, y = self.mesh.face[list(SKIN_POINTS), :2].round().astype(int).clip(0, self.size - 1).T
        return float(np.clip(self.picture[y, x].max(1).mean() / GOOD_LIGHT, 0.45, 1.05))
