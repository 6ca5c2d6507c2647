"""The basis of one portrait's motion: principal components of what the generator does with it, quantised as the atlas carries
them.

Frames are not centred: the portrait at rest is the zero vector, so silence costs nothing and is exactly the portrait. A
component is scaled by how far the frames go along it before it is quantised; one step for all then spends bits where errors
would be seen.

# N frames, D length of a vector, K components
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from realtime.errors import MotionError
from realtime.layers import FaceLayers
from realtime.motion.atlas import CODER, COMPONENT, HEADER, Affine, Atlas, Coder, Component
from realtime.motion.components import LARGEST, ComponentEncoder
from realtime.motion.field import Field, Vector
from realtime.motion.message import LARGEST as LARGEST_COEFFICIENT
from realtime.motion.message import Coefficients

N_COMPONENTS = 24
STEPS = (2.4, 5.0, 10.0, 20.0)  # of a basis vector's numbers, in about equally visible grey levels: the first that fits is taken
LEAST_COMPONENTS = 8  # fewer are no face that speaks: coarser ones are better
LEAST_OWN = 0.2  # of a component's length that the ones before it do not say
COEFFICIENT_STEP = 45.0  # of a frame along a component, root of the sum of squares of such levels
ATLAS_BYTES = 20_000


def learn(vectors: Vector, field: Field, to_picture: Affine, identity: int) -> Atlas:
    """Frames [N, D] → their atlas, of at most ATLAS_BYTES.

    Raises MotionError where nothing moves.
    """
    energy, directions = np.linalg.eigh((vectors @ vectors.T).astype(np.float64))
    count = min(N_COMPONENTS, len(vectors))
    energy, directions = energy[::-1][:count], directions[:, ::-1][:, :count]
    # unit vectors times their deviations [K, D]
    spread = directions.T.astype(np.float32) @ vectors / np.float32(np.sqrt(len(vectors)))
    for step in STEPS:
        atlas, wanted = _fitting(_quantised(spread, step, field, to_picture, identity))
        if len(atlas.components) >= min(wanted, LEAST_COMPONENTS):
            break
    if not atlas.components:
        raise MotionError(f"not one component fits an atlas of {ATLAS_BYTES} bytes: frames of a face were expected, not noise")
    return with_probabilities(atlas, vectors)


def _quantised(spread: Vector, step: float, field: Field, to_picture: Affine, identity: int) -> Atlas:
    numbers = np.clip(np.rint(spread / step), -LARGEST, LARGEST).astype(np.int32)
    moving = _independent(numbers)
    if not moving:
        raise MotionError("no frame differs from the portrait at rest: speech was expected to learn a motion basis from")
    gains = [float(np.float32(COEFFICIENT_STEP / (step * np.linalg.norm(row)))) for row in moving]
    components = tuple(Component(numbers=row, gain=gain) for row, gain in zip(moving, gains, strict=True))
    coders = (Coder(),) * len(components)
    return Atlas(identity=identity, field=field, step=step, to_picture=to_picture, coders=coders, components=components)


def _independent(numbers: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    """The rows [K, D] that say something of their own. Of weak components rounding leaves a few numbers, in two of them perhaps
    the same: then any coefficient of the one fits, with as much of the other, and both grow without bound."""
    kept: list[NDArray[np.int32]] = []
    said = np.zeros((0, numbers.shape[1]))
    for row in numbers:
        own = row - (row @ said.T) @ said
        length = np.linalg.norm(own)
        if length > LEAST_OWN * np.linalg.norm(row):
            kept.append(row)
            said = np.vstack([said, own / length])
    return kept


def with_probabilities(atlas: Atlas, vectors: Vector) -> Atlas:
    """The atlas, its coders told how large coefficients are: those of the frames [N, D]."""
    projector = Projector(atlas)
    steps = np.abs(np.array([projector.project_vector(vector) for vector in vectors]))
    coders = []
    for sizes in steps.T:
        loud = sizes[sizes > 0]
        zero = (1 + np.sum(sizes == 0)) / (2 + len(sizes))
        last = (1 + len(loud)) / (2 + loud.sum())  # of a geometric distribution, the chance that a number is no larger
        coders.append(Coder(zero=_in_256ths(zero), last=_in_256ths(last)))
    return replace(atlas, coders=tuple(coders))


class Projector:
    """Layers → coefficients of an atlas, and back. Stateless between frames."""

    def __init__(self, atlas: Atlas) -> None:
        self._field = atlas.field
        scale = np.array([component.gain * atlas.step for component in atlas.components])
        self._basis = (np.stack([component.numbers for component in atlas.components]) * scale[:, None]).astype(np.float32)
        gram = (self._basis @ self._basis.T).astype(np.float64)
        self._inverse = np.linalg.solve(gram, self._basis.astype(np.float64)).astype(np.float32)  # least squares

    def project(self, layers: FaceLayers) -> Coefficients:
        """The frame's coefficients, in steps."""
        return self.project_vector(self._field.vectors([layers])[0])

    def project_vector(self, vector: Vector) -> Coefficients:
        steps: NDArray[np.float32] = np.rint(self._inverse @ vector)
        return tuple(int(step) for step in np.clip(steps, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT))

    def layers(self, coefficients: Coefficients) -> FaceLayers:
        """What a receiver draws that has these components."""
        return self._field.layers(np.array(coefficients[: len(self._basis)], np.float32) @ self._basis)


def _fitting(atlas: Atlas) -> tuple[Atlas, int]:
    """Without the last components where they would make it too large; and how many there were."""
    encoder, size, count = ComponentEncoder(atlas.field.shapes), HEADER.size, 0
    for component in atlas.components:
        size += CODER.size + COMPONENT.size + len(encoder.encode(component.numbers))
        if size > ATLAS_BYTES:
            break
        count += 1
    return replace(atlas, components=atlas.components[:count], coders=atlas.coders[:count]), len(atlas.components)


def _in_256ths(share: float) -> int:
    return int(np.clip(round(256 * share), 1, 255))
