"""The gate's ramps: exact at both ends, smooth between, and quiet in the gaps between words."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime.features.windows import HOPS_A_FRAME
from realtime.mouth_gate import CLOSE_FRAMES, OPEN_FRAMES, MouthGate
from realtime.voice_activity import VoiceActivity


def pushed(gate: MouthGate, voiced: list[bool]) -> list[float]:
    return [gate.push(decision) for decision in voiced]


def test_silence_is_exactly_zero() -> None:
    assert pushed(MouthGate(), [False] * 50) == [0.0] * 50


def test_it_opens_and_closes_in_the_stated_frames_and_ends_exactly() -> None:
    gate = MouthGate()
    opening = pushed(gate, [True] * OPEN_FRAMES)
    assert all(0 < a < b for a, b in pairwise(opening))
    assert opening[-1] == 1.0
    assert pushed(gate, [True] * 20) == [1.0] * 20
    closing = pushed(gate, [False] * CLOSE_FRAMES)
    assert all(a > b for a, b in pairwise([1.0, *closing]))
    assert closing[-1] == 0.0
    assert pushed(gate, [False] * 20) == [0.0] * 20


@pytest.mark.parametrize(("open_frames", "close_frames"), [(1, 1), (2, 7), (3, 5), (7, 9), (11, 13)])
def test_any_ramps_end_exactly(open_frames: int, close_frames: int) -> None:
    gate = MouthGate(open_frames=open_frames, close_frames=close_frames)
    assert pushed(gate, [True] * (open_frames + 1))[-1] == 1.0
    assert pushed(gate, [False] * (close_frames + 1))[-1] == 0.0


@given(st.lists(st.booleans(), max_size=60))
def test_whatever_is_said_it_never_jumps(voiced: list[bool]) -> None:
    """No step is longer than the steepest of a straight ramp times pi / 2, the half cosine's slope."""
    openness = [0.0, *pushed(MouthGate(), voiced)]
    assert all(0.0 <= value <= 1.0 for value in openness)
    assert max((abs(b - a) for a, b in pairwise(openness)), default=0.0) <= np.pi / 2 / OPEN_FRAMES + 1e-9


@given(st.lists(st.booleans(), max_size=60))
def test_whatever_was_said_it_comes_to_rest(voiced: list[bool]) -> None:
    gate = MouthGate()
    pushed(gate, voiced)
    assert pushed(gate, [False] * CLOSE_FRAMES)[-1] == 0.0
    assert pushed(gate, [True] * (OPEN_FRAMES + 1))[-1] == 1.0


def gap_in_speech(pcm: NDArray[np.int16], gap_ms: int) -> list[float]:
    """The gate around a gap of digital silence inside a sentence: from 0.5 s before it to its end, one value a frame."""
    speech = pcm[35_200:51_200]  # a second of a sentence
    sound = np.concatenate([speech, np.zeros(16 * gap_ms, np.int16), speech])
    hops = VoiceActivity().push(sound)
    frames = [any(hops[start : start + HOPS_A_FRAME]) for start in range(0, len(hops), HOPS_A_FRAME)]
    return pushed(MouthGate(), frames)[12 : (1000 + gap_ms) // 40]


def test_a_gap_between_words_does_not_close_the_mouth(speech_pcm16k: NDArray[np.int16]) -> None:
    assert gap_in_speech(speech_pcm16k, 160) == [1.0] * 17


def test_control_a_pause_between_sentences_does(speech_pcm16k: NDArray[np.int16]) -> None:
    assert gap_in_speech(speech_pcm16k, 800)[-1] == 0.0
