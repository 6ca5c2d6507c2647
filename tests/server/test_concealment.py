"""Sound that never came is made up from the sound before it, for a moment."""

import numpy as np

from server.concealment import FADED, Concealment, Pcm
from server.ingest import BLOCK, SAMPLE_RATE_HZ

TONES_HZ = (110.0, 220.0, 330.0)  # a voice of 110 Hz
LOST = range(10, 13)  # blocks: a packet of 60 ms


def voice(blocks: int) -> Pcm:
    seconds = np.arange(blocks * BLOCK) / SAMPLE_RATE_HZ
    waves = np.stack([np.sin(2 * np.pi * hz * seconds + hz) for hz in TONES_HZ])
    return np.asarray(3000 * waves.sum(0), np.int16)


def heard(sound: Pcm, lost: range) -> Pcm:
    concealment, blocks = Concealment(), sound.reshape(-1, BLOCK)
    parts = [concealment.push(block * np.int16(at not in lost), 0 if at in lost else BLOCK) for at, block in enumerate(blocks)]
    return np.concatenate(parts)


def test_what_came_is_not_touched() -> None:
    sound = voice(20)
    np.testing.assert_array_equal(heard(sound, range(0)), sound)


def test_a_lost_packet_of_a_voice_is_nearer_to_it_than_silence() -> None:
    sound = voice(20)
    first, end = LOST.start * BLOCK, LOST.stop * BLOCK
    made_up = heard(sound, LOST)
    error = made_up[first : first + BLOCK].astype(float) - sound[first : first + BLOCK]
    assert (error**2).mean() < 0.1 * (sound[first : first + BLOCK].astype(float) ** 2).mean()
    assert np.abs(np.diff(made_up.astype(float))).max() < 2 * np.abs(np.diff(sound.astype(float))).max(), "no click"
    np.testing.assert_array_equal(made_up[end + BLOCK :], sound[end + BLOCK :])


def test_it_fades() -> None:
    made_up = heard(voice(30), range(10, 25))
    assert not made_up[10 * BLOCK + FADED : 25 * BLOCK].any()


def test_part_of_a_block_may_have_come() -> None:
    sound = voice(12)
    concealment = Concealment()
    for block in sound[: 10 * BLOCK].reshape(-1, BLOCK):
        concealment.push(block, BLOCK)
    half = sound[10 * BLOCK : 11 * BLOCK].copy()
    half[BLOCK // 2 :] = 0
    whole = concealment.push(half, BLOCK // 2)
    np.testing.assert_array_equal(whole[: BLOCK // 2], half[: BLOCK // 2])
    assert np.abs(whole[BLOCK // 2 :]).max() > 1000


def test_nothing_before_it_is_silence() -> None:
    assert not Concealment().push(np.zeros(BLOCK, np.int16), 0).any()
