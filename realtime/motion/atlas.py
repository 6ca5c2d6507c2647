"""The atlas: what a receiver must know of one portrait to draw it from coefficients. Its bytes, whole or as they come.

Little-endian. Header of 74 bytes, the coefficients' coders, then the components, the most important first; each is a length,
its gain and its numbers. A receiver draws with as many as it has. docs/motion.md has the table.
"""

import math
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.alignment import CROP_SIZE, FLOW_CELLS
from realtime.errors import MotionError
from realtime.motion.components import ComponentDecoder, ComponentEncoder, Numbers
from realtime.motion.field import Field

MAGIC = b"FWMA"
VERSION = 1
MAX_COMPONENTS = 32
MAX_BYTES = 64 * 1024
HEADER = struct.Struct("<4s 4B 4B 2B 3B x 13f I")
CODER = struct.Struct("<2B")
COMPONENT = struct.Struct("<H f")
LARGEST_FLOAT = 1e6
N_PLANES = 6
Affine = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Coder:
    """How likely the coefficients of a component are, in 256ths, 1..255. zero: that one is 0; last: that one that is at least n
    is no larger."""

    zero: int = 128
    last: int = 128


@dataclass(frozen=True, kw_only=True)
class Component:
    """numbers int32 [D]: a basis vector in steps of the atlas; gain: vectors a step of its coefficient."""

    numbers: Numbers
    gain: float


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """identity: 0..255, which coefficients name; to_picture [2, 3]: crop pixels → the portrait's side as 1; step: of the
    components' numbers; coders: of all coefficients; components: as many, or the first of them while they come."""

    identity: int
    field: Field
    step: float
    to_picture: Affine
    coders: tuple[Coder, ...]
    components: tuple[Component, ...]


def encode(atlas: Atlas) -> bytes:
    """Raises MotionError for an atlas that no receiver would take."""
    count = len(atlas.components)
    if not 1 <= count <= MAX_COMPONENTS or len(atlas.coders) != count:
        raise MotionError(f"{count} components and {len(atlas.coders)} coders came, 1 to {MAX_COMPONENTS} of both were expected")
    encoder = ComponentEncoder(atlas.field.shapes)
    parts = [CODER.pack(coder.zero, coder.last) for coder in atlas.coders]
    for component in atlas.components:
        data = encoder.encode(component.numbers)
        parts.append(COMPONENT.pack(len(data), component.gain) + data)
    floats = [*atlas.to_picture.ravel(), *atlas.field.weights, atlas.step]
    _check_floats(floats + [component.gain for component in atlas.components])
    size = HEADER.size + sum(map(len, parts))
    start = (VERSION, atlas.identity, count, N_PLANES)
    return HEADER.pack(MAGIC, *start, *atlas.field.box, CROP_SIZE, FLOW_CELLS, *atlas.field.reference, *floats, size) + b"".join(
        parts
    )


class AtlasReader:
    """Takes an atlas' bytes as they come."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._read, self._size = 0, MAX_BYTES
        self._decoder: ComponentDecoder | None = None
        self._components: list[Component] = []
        self.announced = 0  # components in the whole atlas; 0 until the header is there
        self._header: tuple[int, Field, float, Affine] | None = None
        self._coders: tuple[Coder, ...] = ()

    def push(self, data: bytes) -> int:
        """More bytes → how many components can now be drawn with.

        Raises MotionError for what is no atlas, of another version, too large, or damaged; nothing more can be pushed then.
        """
        self._data += data
        if self._header is None and len(self._data) >= HEADER.size:
            self._read_header()
        if len(self._data) > self._size:
            raise MotionError(f"more than the {self._size} bytes of an atlas came: it is damaged, ask again")
        if self._header is not None and not self._coders:
            self._read_coders()
        while self._coders and self._read_component():
            pass
        return len(self._components)

    @property
    def atlas(self) -> Atlas:
        """What there is of it.

        Raises MotionError before the first component.
        """
        if self._header is None or not self._components:
            raise MotionError(f"an atlas without components came ({len(self._data)} bytes): its beginning was expected")
        identity, field, step, to_picture = self._header
        return Atlas(
            identity=identity,
            field=field,
            step=step,
            to_picture=to_picture,
            coders=self._coders,
            components=tuple(self._components),
        )

    @property
    def is_complete(self) -> bool:
        return 0 < self.announced == len(self._components)

    def _read_header(self) -> None:
        magic, version, identity, count, planes, *rest = HEADER.unpack_from(self._data)
        box, (side, cells), reference = tuple(rest[:4]), rest[4:6], tuple(rest[6:9])
        floats, size = rest[9:22], rest[22]
        if magic != MAGIC:
            raise MotionError(f"{bytes(magic)!r} came where an atlas of the motion stream ({MAGIC!r}) was expected")
        if version != VERSION:
            raise MotionError(f"an atlas of version {version} came, this program reads version {VERSION}: update the older end")
        x0, y0, x1, y1 = box
        fits = 1 <= count <= MAX_COMPONENTS and planes == N_PLANES and (side, cells) == (CROP_SIZE, FLOW_CELLS)
        if not (fits and x0 < x1 <= CROP_SIZE and y0 < y1 <= CROP_SIZE):
            raise MotionError(
                f"an atlas of {count} components over {box} came: at most {MAX_COMPONENTS} inside the crop were expected"
            )
        if not HEADER.size < size <= MAX_BYTES:
            raise MotionError(f"an atlas of {size} bytes is announced: at most {MAX_BYTES} were expected")
        _check_floats(floats)
        if min(floats[6:13]) <= 0:
            raise MotionError(f"an atlas came whose weights or step are not above 0: {floats[6:13]}")
        field = Field(box=box, weights=tuple(floats[6:12]), reference=reference)
        self._header = (identity, field, floats[12], np.array(floats[:6]).reshape(2, 3))
        self._decoder, self.announced = ComponentDecoder(field.shapes), count
        self._read, self._size = HEADER.size, size

    def _read_coders(self) -> None:
        end = self._read + self.announced * CODER.size
        if len(self._data) < end:
            return
        pairs = CODER.iter_unpack(self._data[self._read : end])
        self._coders = tuple(Coder(zero=zero, last=last) for zero, last in pairs)
        self._read = end
        if any(not (coder.zero and coder.last) for coder in self._coders):
            raise MotionError("an atlas came with a probability of 0: 1 to 255 were expected")

    def _read_component(self) -> bool:
        assert self._decoder is not None
        rest = len(self._data) - self._read
        if len(self._components) == self.announced:
            if self._read < self._size:
                raise MotionError(f"an atlas of {self._size} bytes ends after {self._read}: it is damaged, ask again")
            return False
        if rest < COMPONENT.size:
            return False
        size, gain = COMPONENT.unpack_from(self._data, self._read)
        if rest < COMPONENT.size + size:
            return False
        _check_floats([gain])
        start = self._read + COMPONENT.size
        numbers = self._decoder.decode(bytes(self._data[start : start + size]))
        self._components.append(Component(numbers=numbers, gain=gain))
        self._read = start + size
        return True


def _check_floats(values: list[float]) -> None:
    for value in values:
        if not (math.isfinite(value) and abs(value) < LARGEST_FLOAT):
            raise MotionError(f"an atlas came with the number {value}: finite ones below {LARGEST_FLOAT:.0f} were expected")
