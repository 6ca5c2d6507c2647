"""Windows against slices of the whole sound's hops: any portions, starts, ends, and the moment at which each is there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.features.mfcc import StreamingMfcc
from realtime.features.windows import HOPS_A_FRAME, Window, WindowSlicer
from realtime.model_spec import N_MFCC, WINDOW_HOPS, future_ms

OFFSETS = [-22, -13, -28, -40, 0, 3]  # live, paper, no future at all, a gap, no past, a gap ahead
PORTIONS = [1, 2, 3, 4, 7, 50, 10**9]
LENGTHS = [1, 3, 4, 5, 27, 28, 29, 130]
RNG = np.random.default_rng(11)
MFCC = RNG.standard_normal((130, N_MFCC))
VOICED = (np.arange(130) // 9 % 3 == 1).tolist()


def expected(n_hops: int, n_frames: int, offset: int) -> list[Window]:
    """From the whole sound at once: silence of any length on both sides, then slices."""
    around = 200
    mfcc = np.pad(MFCC[:n_hops], ((around, around), (0, 0))).astype(np.float32)
    voiced = np.pad(np.asarray(VOICED[:n_hops]), around)
    windows = []
    for index in range(n_frames):
        frame = around + HOPS_A_FRAME * index
        start, end = frame + offset, frame + offset + WINDOW_HOPS
        windows.append(Window(index=index, mfcc=mfcc[start:end].T, voiced=bool(voiced[min(frame, end - 1) : end].any())))
    return windows


def pushed(slicer: WindowSlicer, n_hops: int, portion: int) -> list[Window]:
    starts = range(0, n_hops, min(portion, n_hops))
    cuts = [(start, min(n_hops, start + portion)) for start in starts]
    return [window for start, end in cuts for window in slicer.push(MFCC[start:end], VOICED[start:end])]


def assert_same(windows: list[Window], reference: list[Window]) -> None:
    assert [(window.index, window.voiced) for window in windows] == [(window.index, window.voiced) for window in reference]
    for window, other in zip(windows, reference, strict=True):
        assert window.mfcc.dtype == np.float32
        np.testing.assert_array_equal(window.mfcc, other.mfcc)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("n_hops", LENGTHS)
@pytest.mark.parametrize("portion", PORTIONS)
def test_any_portions_equal_the_whole_sound(offset: int, n_hops: int, portion: int) -> None:
    slicer = WindowSlicer(offset)
    n_frames = -(-n_hops // HOPS_A_FRAME)
    windows = pushed(slicer, n_hops, portion)
    windows += slicer.flush(n_frames)
    assert_same(windows[:n_frames], expected(n_hops, n_frames, offset))


def test_control_another_offset_is_seen() -> None:
    reference = expected(130, 20, -22)
    assert any(not np.array_equal(a.mfcc, b.mfcc) for a, b in zip(pushed(WindowSlicer(-21), 130, 7)[:20], reference, strict=True))


def test_before_the_sound_there_is_silence() -> None:
    first = pushed(WindowSlicer(-22), 8, 8)[0]
    np.testing.assert_array_equal(first.mfcc[:, :22], 0)
    np.testing.assert_array_equal(first.mfcc[:, 22:], MFCC[:6].T.astype(np.float32))


def test_a_flush_gives_no_frame_twice_and_none_too_many() -> None:
    slicer = WindowSlicer(-22)
    given = pushed(slicer, 40, 3)
    rest = slicer.flush(12)
    assert [window.index for window in given + rest] == list(range(12))
    assert slicer.flush(12) == []


@pytest.mark.parametrize("offset", [-22, -13])
def test_a_window_comes_with_the_last_sample_that_its_future_promises(offset: int, speech_pcm16k: NDArray[np.int16]) -> None:
    """`future_ms` is what is printed, shown and exported: here it is compared with what the code waits for."""
    mfcc, slicer = StreamingMfcc(), WindowSlicer(offset)
    arrived = {}
    for start in range(0, 16_000, 16):  # 1 ms
        hops = mfcc.push(speech_pcm16k[start : start + 16])
        for window in slicer.push(hops, [False] * len(hops)):
            arrived[window.index] = start // 16 + 1
    assert len(arrived) > 15
    assert all(at_ms == 40 * index + future_ms(offset, 0) for index, at_ms in arrived.items())


def test_speech_ahead_is_known_as_far_as_the_window_reaches() -> None:
    """The mouth must be on its way before the sound is heard."""
    onset = 40  # the hop that frame 10 begins with
    voiced = [hop >= onset for hop in range(80)]
    windows = WindowSlicer(-22).push(np.zeros((80, N_MFCC)), voiced)
    assert next(window.index for window in windows if window.voiced) == 9  # hops 36 to 41 are known to it
    windows = WindowSlicer(-13).push(np.zeros((80, N_MFCC)), voiced)
    assert next(window.index for window in windows if window.voiced) == 7  # hops 28 to 42


def test_a_window_that_ends_before_its_frame_still_hears_speech() -> None:
    """The presets that wait for almost nothing: frame 10 begins with hop 40, its window ends with hop 38."""
    voiced = [hop >= 38 for hop in range(80)]
    windows = WindowSlicer(-29).push(np.zeros((80, N_MFCC)), voiced)
    assert next(window.index for window in windows if window.voiced) == 10


def test_what_is_kept_does_not_grow() -> None:
    slicer = WindowSlicer(-22)
    for _ in range(100):
        slicer.push(MFCC, VOICED)
    assert len(slicer._mfcc) == len(slicer._voiced) < WINDOW_HOPS + HOPS_A_FRAME
