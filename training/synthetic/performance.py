"""How a sentence is performed: an emotion on the face, blinks, glances, and a head that moves with the voice.

The emotions' units are those of EMFACS-like prototypes, weaker at the mouth while it speaks; a mouth that must shut for p, b and
m still does (`photo_actor.py` lets no lips cross). Rates of blinking and of head motion are of the order that conversation has.
Source of the prototypes: P. Ekman, W. Friesen, *Facial Action Coding System: Investigator's Guide*, 1978; contempt is one-sided
there and is symmetric here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic.face_units import ACTION_UNITS
from training.synthetic.visemes import Phone

Curves = NDArray[np.float64]

FRAME_RATE = 25
EMOTIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "happy": {"AU6": 0.55, "AU12": 0.50, "AU7": 0.15},
    "sad": {"AU1": 0.75, "AU4": 0.35, "AU15": 0.55, "AU17": 0.30},
    "angry": {"AU4": 0.85, "AU7": 0.50, "AU9": 0.25, "AU24": 0.25, "AU10": 0.15},
    "fearful": {"AU1": 0.75, "AU2": 0.45, "AU4": 0.35, "AU5": 0.70, "AU20": 0.35},
    "disgusted": {"AU9": 0.80, "AU10": 0.40, "AU4": 0.40, "AU15": 0.25, "AU7": 0.30},
    "surprised": {"AU1": 0.85, "AU2": 0.85, "AU5": 0.80, "AU26": 0.12},
    "contempt": {"AU14": 0.60, "AU12": 0.12, "AU7": 0.20},
}
LEVELS = (0.4, 0.7, 1.0)
MOUTH = ("AU10", "AU12", "AU14", "AU15", "AU17", "AU20", "AU24", "AU26")
WHILE_SPEAKING = 0.5  # of an emotion that the mouth keeps
TONGUE_UP = {"l": 1.0, "t": 0.85, "d": 0.85, "n": 0.85, "θ": 0.8, "ð": 0.8, "s": 0.5, "z": 0.5, "i": 0.35, "j": 0.4}


@dataclass(frozen=True, kw_only=True)
class Performance:
    """T frames. action_units [T, A]; pose [T, 3]: yaw, pitch, roll in radians; shift [T, 2] in eye distances; tongue [T], 0..1;
    gaze [T, 2] in eye distances."""

    action_units: Curves
    pose: Curves
    shift: Curves
    tongue: Curves
    gaze: Curves


def perform(
    speech: Curves, voiced: Curves, phones: list[Phone], *, emotion: str, level: int, rng: np.random.Generator
) -> Performance:
    """speech [T, A]: what the words do; voiced [T]: how loud they are, 0..1; level: 1 to 3."""
    n = len(speech)
    units = speech * rng.uniform(0.85, 1.2) + _felt(emotion, LEVELS[level - 1], voiced, rng)
    brows = np.clip(0.25 * _drift(n, 0.6, rng) + 0.25 * (voiced - voiced.mean()), 0, 0.4)
    units[:, ACTION_UNITS.index("AU1")] += 0.8 * brows
    units[:, ACTION_UNITS.index("AU2")] += brows
    units[:, ACTION_UNITS.index("AU43")] = _blinks(n, rng)
    lively = rng.uniform(0.5, 1.3)
    nod = 0.03 * (_smooth(voiced, 9) - voiced.mean())
    pose = np.stack([0.035 * _drift(n, 0.5, rng), 0.02 * _drift(n, 0.7, rng) + nod, 0.018 * _drift(n, 0.5, rng)], 1)
    return Performance(
        action_units=np.clip(units, 0, 1.1),
        pose=lively * (pose - pose[0]),
        shift=lively * np.stack([0.02 * _drift(n, 0.4, rng), 0.012 * _drift(n, 0.5, rng)], 1),
        tongue=_tongue(phones, n),
        gaze=_glances(n, rng),
    )


def _felt(emotion: str, strength: float, voiced: Curves, rng: np.random.Generator) -> Curves:
    """The emotion's units [T, A]; it waxes and wanes a little, and leaves a speaking mouth half of itself."""
    n = len(voiced)
    envelope = np.clip(strength * (1 + 0.12 * _drift(n, 0.4, rng)), 0, 1)
    units = np.zeros((n, len(ACTION_UNITS)))
    for unit, weight in EMOTIONS[emotion].items():
        share = 1 - (1 - WHILE_SPEAKING) * np.clip(2 * voiced, 0, 1) if unit in MOUTH else 1.0
        units[:, ACTION_UNITS.index(unit)] = weight * envelope * share
    return units


def _blinks(n: int, rng: np.random.Generator) -> Curves:
    """Down in three frames, up in four, every few seconds; the first frame has open eyes."""
    shut = np.zeros(n)
    times = np.arange(n) / FRAME_RATE
    at = 0.5 + rng.exponential(2.0)
    while at < n / FRAME_RATE:
        since = times - at
        shut = np.maximum(shut, np.where(since < 0, np.clip(1 + since / 0.1, 0, 1), np.clip(1 - (since - 0.04) / 0.16, 0, 1)))
        at += 0.7 + rng.exponential(3.0)
    return shut


def _glances(n: int, rng: np.random.Generator) -> Curves:
    """Small jumps, held for some tenths of a second; the first is none."""
    gaze = np.zeros((n, 2))
    frame = int(rng.integers(10, 40))
    while frame < n:
        gaze[frame:] = rng.normal(0, (0.022, 0.010))
        frame += int(rng.integers(8, 40))
    return gaze


def _tongue(phones: list[Phone], n: int) -> Curves:
    up = np.zeros(n)
    for phone in phones:
        first, last = int(phone.start_s * FRAME_RATE), int(np.ceil(phone.end_s * FRAME_RATE))
        up[max(first, 0) : last] = np.maximum(up[max(first, 0) : last], TONGUE_UP.get(phone.label, 0.0))
    return _smooth(up, 5)


def _drift(n: int, cutoff_hz: float, rng: np.random.Generator) -> Curves:
    """Noise [n] of spread 1 below a frequency."""
    long = max(n, 4 * FRAME_RATE) + 4 * FRAME_RATE
    spectrum = np.fft.rfft(rng.normal(size=long)) * np.exp(-((np.fft.rfftfreq(long, 1 / FRAME_RATE) / cutoff_hz) ** 2))
    series = np.fft.irfft(spectrum, long)
    return np.asarray((series / series.std())[2 * FRAME_RATE : 2 * FRAME_RATE + n])


def _smooth(series: Curves, frames: int) -> Curves:
    window = np.hanning(frames + 2)[1:-1]
    padded = np.pad(series, frames // 2, mode="edge")
    return np.convolve(padded, window / window.sum(), "valid")
