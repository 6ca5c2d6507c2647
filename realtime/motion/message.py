"""Messages of the motion stream: a few frames each, decodable alone, so that a lost one costs its own frames and no other.

Every coefficient is sent as it is, not as a difference to the frame before: measured, differences save a tenth and make loss
spread (docs/decisions/0016). Little-endian; docs/motion.md has the table.
"""

import math
import struct
from dataclasses import dataclass

from realtime.errors import MotionError
from realtime.motion.atlas import Atlas, Coder
from realtime.motion.bool_coder import EVEN, BoolDecoder, BoolEncoder

VERSION = 1
MAX_BYTES = 1100  # larger SCTP payloads stall on paths of 1280 bytes
MAX_FRAMES = 8
MAX_ACTION_UNITS = 32
LARGEST = 1023  # steps of a coefficient
MAX_BITS = 60_000
AGAIN = 220  # probability, in 256ths, that a frame is not like the one before
HEADER = struct.Struct("<3B I")
POSE = struct.Struct("<6h")
POSE_STEPS = (0.01, 0.01, 0.01, 1e-4, 1e-4, 1e-4)
"""degrees about x, y, z; shares of the picture's side along x and y; a natural logarithm of size"""
ACTION_UNITS, POSES = 1, 2  # optional sections
Coefficients = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class MotionFrame:
    """coefficients: in steps, the most important first, zeros behind the last; action_units: 0..1 each; pose: turn about x, y,
    z in degrees, shift along x and y in sides of the picture, natural logarithm of size; empty where a renderer is told
    none."""

    coefficients: Coefficients
    action_units: tuple[float, ...] = ()
    pose: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MotionMessage:
    """Frames one after the other; frame k has the media time 40 k ms. atlas: the identity of the atlas that the coefficients
    belong to."""

    atlas: int
    first_frame: int
    frames: tuple[MotionFrame, ...]


def encode(message: MotionMessage, atlas: Atlas) -> bytes:
    """Raises MotionError for numbers that cannot be sent."""
    frames = message.frames
    if not 1 <= len(frames) <= MAX_FRAMES:
        raise MotionError(f"{len(frames)} frames came for one message, 1 to {MAX_FRAMES} were expected")
    sections = ACTION_UNITS * bool(frames[0].action_units) | POSES * bool(frames[0].pose)
    parts = [HEADER.pack(VERSION << 4 | len(frames), message.atlas, sections, message.first_frame)]
    if sections & ACTION_UNITS:
        parts.append(_pack_action_units(frames))
    if sections & POSES:
        parts += [POSE.pack(*_pose_steps(frame.pose)) for frame in frames]
    data = b"".join([*parts, _encode_coefficients(frames, atlas)])
    if len(data) > MAX_BYTES:
        raise MotionError(f"{len(frames)} frames make {len(data)} bytes, at most {MAX_BYTES} fit a message: send fewer at once")
    return data


def peek(data: bytes) -> tuple[int, int, int]:
    """Frames in a message, its atlas, its first frame.

    Raises MotionError for what is no message of this version.
    """
    if not HEADER.size <= len(data) <= MAX_BYTES:
        raise MotionError(f"a motion message of {len(data)} bytes came, {HEADER.size} to {MAX_BYTES} were expected")
    start, atlas, sections, first = HEADER.unpack_from(data)
    if start >> 4 != VERSION:
        raise MotionError(
            f"a motion message of version {start >> 4} came, this program reads version {VERSION}: update the older end"
        )
    count = start & 15
    if not 1 <= count <= MAX_FRAMES or sections & ~(ACTION_UNITS | POSES):
        raise MotionError(
            f"a motion message of {count} frames with sections {sections:#x} came: at most {MAX_FRAMES} and 0x3 were expected"
        )
    return count, atlas, first


def decode(data: bytes, atlas: Atlas) -> MotionMessage:
    """A message, with all its coefficients, also while the atlas is not yet whole.

    Raises MotionError for one that is damaged, of another version or of another atlas.
    """
    count, identity, first = peek(data)
    if identity != atlas.identity:
        raise MotionError(f"a motion message of atlas {identity} came, atlas {atlas.identity} is here: wait for the new one")
    sections, start = data[2], HEADER.size
    units: list[tuple[float, ...]] = [()] * count
    poses: list[tuple[float, ...]] = [()] * count
    if sections & ACTION_UNITS:
        units, start = _unpack_action_units(data, start, count)
    if sections & POSES:
        poses, start = _unpack_poses(data, start, count)
    coefficients = _decode_coefficients(data[start:], atlas, count)
    rows = zip(coefficients, units, poses, strict=True)
    frames = tuple(MotionFrame(coefficients=c, action_units=u, pose=p) for c, u, p in rows)
    return MotionMessage(atlas=identity, first_frame=first, frames=frames)


def _encode_coefficients(frames: tuple[MotionFrame, ...], atlas: Atlas) -> bytes:
    coder, before = BoolEncoder(), (0,) * len(atlas.coders)
    for frame in frames:
        now = frame.coefficients
        if len(now) != len(before):
            raise MotionError(f"{len(now)} coefficients came for an atlas of {len(before)} components")
        again = now == before
        coder.write(int(again), AGAIN)
        if not again:
            for value, likely in zip(now, atlas.coders, strict=True):
                _write(coder, value, likely)
        before = now
    return coder.finish()


def _write(coder: BoolEncoder, value: int, likely: Coder) -> None:
    if abs(value) > LARGEST:
        raise MotionError(f"a coefficient of {value} steps came, at most {LARGEST} were expected")
    coder.write(int(value != 0), likely.zero)
    if value == 0:
        return
    coder.write(int(value < 0), EVEN)
    for size in range(1, min(abs(value) + 1, LARGEST)):
        coder.write(int(size < abs(value)), likely.last)


def _decode_coefficients(data: bytes, atlas: Atlas, count: int) -> list[Coefficients]:
    coder, frames = BoolDecoder(data, MAX_BITS), []
    before: Coefficients = (0,) * len(atlas.coders)
    for _ in range(count):
        if not coder.read(AGAIN):
            before = tuple(_read(coder, likely) for likely in atlas.coders)
        frames.append(before)
    return frames


def _read(coder: BoolDecoder, likely: Coder) -> int:
    if not coder.read(likely.zero):
        return 0
    negative, size = coder.read(EVEN), 1
    while size < LARGEST and coder.read(likely.last):
        size += 1
    return -size if negative else size


def _pack_action_units(frames: tuple[MotionFrame, ...]) -> bytes:
    count = len(frames[0].action_units)
    if count > MAX_ACTION_UNITS or any(len(frame.action_units) != count for frame in frames):
        raise MotionError(f"{count} action units came, as many for each frame and at most {MAX_ACTION_UNITS} were expected")
    steps = [_steps(value, 1 / 255, 0, 255) for frame in frames for value in frame.action_units]
    return bytes([count, *steps])


def _unpack_action_units(data: bytes, start: int, count: int) -> tuple[list[tuple[float, ...]], int]:
    units = data[start] if start < len(data) else 0
    end = start + 1 + units * count
    if not 1 <= units <= MAX_ACTION_UNITS or end > len(data):
        raise MotionError(
            f"a motion message of {len(data)} bytes announces {units} action units for {count} frames: it is damaged"
        )
    values = [value / 255 for value in data[start + 1 : end]]
    return [tuple(values[i * units : (i + 1) * units]) for i in range(count)], end


def _pose_steps(pose: tuple[float, ...]) -> list[int]:
    if len(pose) != len(POSE_STEPS):
        raise MotionError(f"a pose of {len(pose)} numbers came, {len(POSE_STEPS)} were expected for every frame of the message")
    return [_steps(value, step, -32768, 32767) for value, step in zip(pose, POSE_STEPS, strict=True)]


def _unpack_poses(data: bytes, start: int, count: int) -> tuple[list[tuple[float, ...]], int]:
    end = start + POSE.size * count
    if end > len(data):
        raise MotionError(f"a motion message of {len(data)} bytes has no room for {count} poses: it is damaged")
    rows = [POSE.unpack_from(data, start + i * POSE.size) for i in range(count)]
    return [tuple(value * step for value, step in zip(row, POSE_STEPS, strict=True)) for row in rows], end


def _steps(value: float, step: float, low: int, high: int) -> int:
    if not math.isfinite(value):
        raise MotionError(f"the number {value} came for the motion stream: a finite one was expected")
    return max(low, min(high, round(value / step)))
