"""Frames become messages of three new ones and the three before them; rest is said rarely; a gap parts a message."""

from itertools import pairwise

from realtime.layers import FaceLayers
from realtime.motion.message import decode
from realtime.motion.sending import FRAMES_A_MESSAGE, REST_FRAMES, MotionSender
from tests.unit.motion_atlas import made_up_atlas, made_up_frames

ATLAS = made_up_atlas()
SPOKEN = made_up_frames(40, seed=2)[5:]
REST = made_up_frames(1)[0]


def sent(frames: list[tuple[int, FaceLayers]]) -> list[tuple[int, int]]:
    """First frame and number of frames of each message."""
    sender = MotionSender(ATLAS)
    messages = [decode(data, ATLAS) for index, layers in frames for data in sender.push(index, layers)]
    return [(message.first_frame, len(message.frames)) for message in messages]


def test_three_frames_a_message_after_those_of_the_message_before() -> None:
    assert sent(list(enumerate(SPOKEN[:9]))) == [(0, 3), (0, 6), (3, 6)]


def test_one_lost_message_costs_no_frame() -> None:
    sender = MotionSender(ATLAS)
    messages = [decode(data, ATLAS) for index, layers in enumerate(SPOKEN[:12]) for data in sender.push(index, layers)]
    whole = {m.first_frame + place: frame.coefficients for m in messages for place, frame in enumerate(m.frames)}
    del messages[1]
    left = {m.first_frame + place: frame.coefficients for m in messages for place, frame in enumerate(m.frames)}
    assert left == whole
    assert sorted(left) == list(range(12))


def test_a_frame_that_was_left_out_parts_a_message() -> None:
    frames = [(0, SPOKEN[0]), (1, SPOKEN[1]), (3, SPOKEN[3]), (4, SPOKEN[4]), (5, SPOKEN[5])]
    assert sent(frames) == [(0, 2), (3, 3)], "those before the gap do not follow each other: they are not sent again"


def test_rest_is_said_at_once_and_then_now_and_then() -> None:
    frames = list(enumerate([*SPOKEN[:3], *[REST] * 5 * REST_FRAMES, *SPOKEN[3:6]]))
    starts = [first + count - FRAMES_A_MESSAGE for first, count in sent(frames)]
    assert starts[:2] == [0, FRAMES_A_MESSAGE]
    silence = starts[1:-1]
    assert {later - earlier for earlier, later in pairwise(silence)} == {REST_FRAMES}
    assert starts[-1] == 3 + 5 * REST_FRAMES
