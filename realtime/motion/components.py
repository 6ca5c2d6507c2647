"""Quantised basis components ⇄ bytes: cosine coefficients from low to high frequency, with probabilities that adapt.

A component's numbers are most often zero, the more so the higher the frequency. Contexts: the kind of plane, the octave of the
place in the order, how many of the two numbers before were not zero. Probabilities go on from one component to the next, so
components are decoded in order.
"""

import numpy as np
from numpy.typing import NDArray

from realtime.errors import MotionError
from realtime.motion.bool_coder import EVEN, BoolDecoder, BoolEncoder

Shapes = list[tuple[int, int]]
Numbers = NDArray[np.int32]
KIND_OF_PLANE = (0, 0, 1, 2, 2, 3)  # flow, flow, luma, chroma, chroma, mask
KINDS, OCTAVES, BEFORE, SIZES = 4, 16, 3, 14
COUNT_BITS = 14  # a plane has at most 112 x 112 numbers
ADAPTING = 4  # a probability moves by a sixteenth of what it is wrong
SCALE_BITS = 12
LARGEST = 2047
MAX_BITS = 400_000  # of one component; a large one of a shipped portrait has 20 000


def order_of(height: int, width: int) -> NDArray[np.intp]:
    """Places of a plane's numbers, row by row, from low to high frequency: by row / height + column / width, then by row."""
    row, column = np.divmod(np.arange(height * width), width)
    return np.lexsort((row, row * width + column * height))


class AdaptiveBits:
    """Probabilities that learn, in 4096ths, by context."""

    def __init__(self) -> None:
        self._zero = [1 << SCALE_BITS - 1] * (KINDS * OCTAVES * BEFORE)
        self._more = [1 << SCALE_BITS - 1] * (KINDS * SIZES)

    def of_zero(self, kind: int, place: int, before: int) -> tuple[list[int], int]:
        """Where the probability stands that a number is zero."""
        return self._zero, (kind * OCTAVES + (place + 1).bit_length() - 1) * BEFORE + before

    def of_more(self, kind: int, size: int) -> tuple[list[int], int]:
        """Where the probability stands that a number is no larger than `size`."""
        return self._more, kind * SIZES + min(size, SIZES) - 1


def probability(table: list[int], place: int) -> int:
    """What the coder takes, 1..255."""
    return min(255, max(1, table[place] >> SCALE_BITS - 8))


def learn(table: list[int], place: int, bit: int) -> None:
    """Moves a probability towards what came."""
    value = table[place]
    table[place] = value - (value >> ADAPTING) if bit else value + ((1 << SCALE_BITS) - value >> ADAPTING)


class ComponentEncoder:
    """Writes the components of one atlas, in order."""

    def __init__(self, shapes: Shapes) -> None:
        self._orders = [order_of(*shape) for shape in shapes]
        self._bits = AdaptiveBits()

    def encode(self, numbers: Numbers) -> bytes:
        """numbers [D], planes one after the other, within ±LARGEST."""
        coder, start = BoolEncoder(), 0
        for kind, order in zip(KIND_OF_PLANE, self._orders, strict=True):
            ordered: list[int] = numbers[start + order].tolist()
            start += len(order)
            count = int(np.flatnonzero(ordered)[-1]) + 1 if np.any(ordered) else 0
            coder.write_number(count, COUNT_BITS)
            before = 0
            for place, number in enumerate(ordered[:count]):
                self._write(coder, kind, place, before.bit_count(), number)
                before = (before << 1 | (number != 0)) & 3
        return coder.finish()

    def _write(self, coder: BoolEncoder, kind: int, place: int, before: int, number: int) -> None:
        self._adaptive(coder, self._bits.of_zero(kind, place, before), int(number != 0))
        if number == 0:
            return
        coder.write(int(number < 0), EVEN)
        for size in range(1, abs(number) + 1):
            if size < LARGEST:
                self._adaptive(coder, self._bits.of_more(kind, size), int(size < abs(number)))

    @staticmethod
    def _adaptive(coder: BoolEncoder, where: tuple[list[int], int], bit: int) -> None:
        coder.write(bit, probability(*where))
        learn(*where, bit)


class ComponentDecoder:
    """Reads them, in order."""

    def __init__(self, shapes: Shapes) -> None:
        self._orders = [order_of(*shape) for shape in shapes]
        self._bits = AdaptiveBits()

    def decode(self, data: bytes) -> Numbers:
        """Raises MotionError for what no encoder wrote."""
        coder, planes = BoolDecoder(data, MAX_BITS), []
        for kind, order in zip(KIND_OF_PLANE, self._orders, strict=True):
            count = coder.read_number(COUNT_BITS)
            if count > len(order):
                raise MotionError(
                    f"a component counts {count} numbers for a plane of {len(order)}: the atlas is damaged, ask again"
                )
            plane, before = np.zeros(len(order), np.int32), 0
            for place in range(count):
                number = self._read(coder, kind, place, before.bit_count())
                plane[order[place]] = number
                before = (before << 1 | (number != 0)) & 3
            planes.append(plane)
        return np.concatenate(planes)

    def _read(self, coder: BoolDecoder, kind: int, place: int, before: int) -> int:
        if not self._adaptive(coder, self._bits.of_zero(kind, place, before)):
            return 0
        negative, size = coder.read(EVEN), 1
        while size < LARGEST and self._adaptive(coder, self._bits.of_more(kind, size)):
            size += 1
        return -size if negative else size

    @staticmethod
    def _adaptive(coder: BoolDecoder, where: tuple[list[int], int]) -> int:
        bit = coder.read(probability(*where))
        learn(*where, bit)
        return bit
