"""Binary arithmetic coding: yes and no, each with its probability, into very few bits.

Source: RFC 6386, section 7, the boolean coder of VP8. Two differences: bytes behind the end read as zero, so that zeros at the
end need not be sent, and the last value is chosen to have as many of them as can be.
"""

from realtime.errors import MotionError

EVEN = 128  # a probability of one half, in 256ths, that a bit is 0


class BoolEncoder:
    """Bits go in; `finish` gives the bytes."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._range, self._bottom, self._bit_count = 255, 0, 24

    def write(self, bit: int, probability: int) -> None:
        """probability: of a 0, in 256ths, 1..255."""
        split = 1 + (((self._range - 1) * probability) >> 8)
        if bit:
            self._bottom += split
            self._range -= split
        else:
            self._range = split
        while self._range < 128:
            self._range <<= 1
            self._shift()

    def write_number(self, value: int, bits: int) -> None:
        """A number 0..2^bits - 1, the highest bit first, each even."""
        for place in reversed(range(bits)):
            self.write((value >> place) & 1, EVEN)

    def finish(self) -> bytes:
        """Ends the coding: no bit may follow."""
        low = self._bottom
        for places in range(7, -1, -1):
            self._bottom = -(-low >> places) << places
            if self._bottom < low + self._range:
                break
        for _ in range(32):
            self._shift()
        return bytes(self._out).rstrip(b"\0")

    def _shift(self) -> None:
        if self._bottom >= 1 << 31:
            self._carry()
        self._bottom = (self._bottom << 1) & 0xFFFFFFFF
        self._bit_count -= 1
        if self._bit_count == 0:
            self._out.append(self._bottom >> 24)
            self._bottom &= 0xFFFFFF
            self._bit_count = 8

    def _carry(self) -> None:
        place = len(self._out) - 1
        while self._out[place] == 255:
            self._out[place] = 0
            place -= 1
        self._out[place] += 1


class BoolDecoder:
    """Reads what a BoolEncoder wrote."""

    def __init__(self, data: bytes, max_bits: int) -> None:
        """max_bits: how many may be read, for data that would go on for ever."""
        self._data, self._next, self._left = data, 0, max_bits
        self._value = (self._byte() << 8) | self._byte()
        self._range, self._bit_count = 255, 0

    def read(self, probability: int) -> int:
        """probability: as it was written with.

        Raises MotionError where more is read than anyone writes.
        """
        self._left -= 1
        if self._left < 0:
            raise MotionError(f"{len(self._data)} bytes hold more than any encoder writes: they are damaged, ask for them again")
        split = 1 + (((self._range - 1) * probability) >> 8)
        bit = int(self._value >= split << 8)
        if bit:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._bit_count += 1
            if self._bit_count == 8:
                self._bit_count = 0
                self._value |= self._byte()
        return bit

    def read_number(self, bits: int) -> int:
        """What `write_number` wrote."""
        value = 0
        for _ in range(bits):
            value = value << 1 | self.read(EVEN)
        return value

    def _byte(self) -> int:
        place, self._next = self._next, self._next + 1
        return self._data[place] if place < len(self._data) else 0
