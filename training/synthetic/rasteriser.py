"""Triangles → pixels, in plain numpy: which triangle covers a pixel, and where in it the pixel lies.

All pixels of all bounding boxes are tested at once, so a picture of a thousand triangles takes some ten milliseconds at 256
pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Triangles = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The P pixels of a square picture that triangles cover. pixels [P]: row · size + column; triangles [P]: the nearest triangle
    there; weights [P, 3]: barycentric, of its corners."""

    size: int
    pixels: NDArray[np.int64]
    triangles: NDArray[np.int64]
    weights: Points

    def interpolate(self, values: Points, corners: Triangles) -> Points:
        """values [N, C] at the corners → [P, C]."""
        at = values[corners[self.triangles]]
        return np.asarray((at * self.weights[..., None]).sum(1))


def rasterise(points: Points, corners: Triangles, size: int) -> Coverage:
    """points [N, 3]: column, row, depth (smaller is nearer) in pixels; corners [M, 3] → what covers the centre of each pixel.

    Triangles are drawn from the farthest to the nearest, as wholes: a mesh that cuts through itself is drawn wrongly.
    """
    order = np.argsort(-points[corners, 2].mean(1), kind="stable")
    ids, columns, rows = _candidates(points[corners[order], :2], size)
    weights = _barycentric(points[corners[order[ids]], :2], columns.astype(np.float64) + 0.5, rows.astype(np.float64) + 0.5)
    inside = (weights >= -1e-9).all(1)
    pixels, ids, weights = (rows * size + columns)[inside], ids[inside], weights[inside]
    nearest = np.full(size * size, -1, np.int64)
    np.maximum.at(nearest, pixels, np.arange(len(pixels)))  # candidates come triangle by triangle, the nearest last
    covered = np.flatnonzero(nearest >= 0)
    chosen = nearest[covered]
    return Coverage(size=size, pixels=covered, triangles=order[ids[chosen]], weights=weights[chosen])


def normals(points: Points, corners: Triangles) -> Points:
    """Unit normals [N, 3] of a mesh's points, by area."""
    a, b, c = points[corners[:, 0]], points[corners[:, 1]], points[corners[:, 2]]
    face = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for corner in range(3):
        np.add.at(total, corners[:, corner], face)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def _candidates(triangles: Points, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Every pixel of every triangle's bounding box: triangle, column, row [K]."""
    low = np.clip(np.floor(triangles.min(1) - 0.5), 0, size).astype(np.int64)
    high = np.clip(np.ceil(triangles.max(1) + 0.5), 0, size).astype(np.int64)
    width, height = np.maximum(high - low, 0).T
    area = width * height
    ids = np.repeat(np.arange(len(triangles)), area)
    within = np.arange(len(ids)) - np.repeat(np.cumsum(area) - area, area)
    return ids, low[ids, 0] + within % width[ids], low[ids, 1] + within // width[ids]


def _barycentric(triangles: Points, x: Points, y: Points) -> Points:
    """Weights [K, 3]; of a triangle without area: outside."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    safe = np.where(np.abs(area) < 1e-12, np.inf, area)
    dx, dy = x - a[:, 0], y - a[:, 1]
    second = (dx * (c[:, 1] - a[:, 1]) - dy * (c[:, 0] - a[:, 0])) / safe
    third = ((b[:, 0] - a[:, 0]) * dy - (b[:, 1] - a[:, 1]) * dx) / safe
    first = np.where(np.isinf(safe), -1.0, 1 - second - third)
    return np.stack([first, second, third], 1)
