"""Other voices for real clips: GRID's words have phones, alike moments are matched, a dub is heard on the clip's time."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from realtime.errors import ConfigError
from tests.training.noise import noise_clip
from training.augmentation import AugmentationConfig
from training.corpora.grid import WORDS as GRID_WORDS
from training.dataset import BatchConfig, SpeechVideo
from training.synthetic.dubbing import Dub, align
from training.synthetic.grid_pronunciation import phones
from training.synthetic.kokoro import Kokoro
from training.voice_cache import hear


def test_every_word_of_grid_has_phones() -> None:
    for word in {word for table in GRID_WORDS for word in table.values()} | set("abcdefghijklmnopqrstuvxyz"):
        assert phones(f"bin {word}").endswith(".")
    with pytest.raises(KeyError):
        phones("bin purple")


@pytest.mark.parametrize("faster", [0.8, 1.25])
def test_a_faster_higher_voice_is_matched(speech_pcm16k: np.ndarray, faster: float) -> None:
    """A tape at another speed: hop t is hop t / faster, and every formant is elsewhere."""
    real = speech_pcm16k[16_000:64_000]
    other = resample_poly(real, round(100 / faster), 100).astype(np.int16)
    hops = align(real, other)
    expected = np.arange(len(hops)) / faster
    middle = slice(40, len(hops) - 40)
    wrong = np.abs(hops[middle] - expected[middle])
    assert np.median(wrong) < 3
    assert np.median(np.abs(np.arange(len(hops))[middle] - expected[middle])) > 20, "the control: hops not matched at all"


def test_a_pause_in_one_voice_is_waited_for(speech_pcm16k: np.ndarray) -> None:
    real = speech_pcm16k[16_000:48_000]
    other = np.concatenate([real[:16_000], np.zeros(8_000, np.int16), real[16_000:]])
    hops = align(real, other).astype(int)
    assert (np.diff(hops) >= 0).all()
    assert abs(hops[60] - 60) <= 4
    assert abs(hops[150] - 200) <= 4


def test_half_of_the_speaking_clips_are_heard_dubbed() -> None:
    """A dub whose hops all name one hop gives windows that do not change in time; the clip's own do."""
    clip = noise_clip("a")
    dub = Dub(pcm=clip.pcm, hops=np.full(4 * len(clip.crops) - 1, 50, np.int16))
    config = AugmentationConfig(variants=2, noisy=0)
    batch = BatchConfig(clips=40, heard=8, drawn=2, silent=0, dubbed=0.5)
    heard = [hear(clip.key, clip.pcm, [dub], config, seed=2)]
    data = SpeechVideo([clip], window_offset_hops=0, lookahead=0, batch=batch, augmentation=config, seed=2, heard=heard)
    windows = data.draw().windows[:, 0]
    still = (windows == windows[..., :1]).all(-1).all(-1)
    assert 10 <= int(still.sum()) <= 30


def test_missing_voices_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no English voices"):
        Kokoro(tmp_path)
