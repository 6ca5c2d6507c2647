"""Phones in time → what each viseme does at each moment.

Phones are symbols of `misaki` (American English), as Kokoro speaks them; a viseme is a class of phones that look alike.
Diphthongs are visemes of their own: their movement is part of what is fitted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SILENCE = "silence"
# GRID's words, to which the visemes are fitted, lack three vowels and the h: ʊ goes with u, ɜ with ɹ, ɔɪ with ɔ, h with ə.
PHONES = {
    "PBM": "pbm", "FV": "fv", "TH": "θð", "TDN": "tdnT", "L": "l", "SZ": "sz", "SH": "ʃʒʧʤ", "KG": "kɡŋ", "R": "ɹɜ", "W": "w",
    "Y": "j", "ee": "i", "ih": "ɪ", "eh": "ɛ", "ae": "æ", "ah": "ɑɒ", "uh": "ʌ", "schwa": "əɐh", "aw": "ɔY", "ooh": "uʊ",
    "ay": "A", "eye": "I", "oh": "OQ", "ow": "W",
}  # fmt: skip
VISEMES = (SILENCE, *PHONES)
OF_PHONE = {phone: viseme for viseme, phones in PHONES.items() for phone in phones}
HOP_S = 0.01
UNIT_S = 0.025  # Kokoro counts a phone's length in these
LATE_S = 0.05  # by which its own phone boundaries come after the sound, measured
QUIET, LOUD = -2.5, 0.5  # natural logarithms of amplitude against the sound's own loudest twentieth
FAINT = 5.0  # logarithm of an amplitude of 150 of 32768: a sound that is never louder is silence
STRESS = "ˈˌ"


@dataclass(frozen=True, kw_only=True)
class Phone:
    """label: a symbol, "" for silence; start_s, end_s: in the sound."""

    label: str
    start_s: float
    end_s: float


def phone_times(phones: str, durations: NDArray[np.float32]) -> list[Phone]:
    """Kokoro's text and its durations [len + 2] → phones in time. A stress mark belongs to the phone after it, a space half to
    each of its neighbours: between words there is no silence; the full stop and both ends are silence.

    Raises ValueError where there is not one duration a symbol, and one for each end.
    """
    if len(durations) != len(phones) + 2:
        raise ValueError(f"{len(durations)} durations of {len(phones)} symbols: two more than symbols were expected")
    edges = np.concatenate([[0.0], np.cumsum(durations)]) * UNIT_S - LATE_S
    found: list[Phone] = []
    begin: float | None = None
    for symbol, start, end in zip(f".{phones}.", edges[:-1], edges[1:], strict=True):
        if symbol in STRESS:
            begin = start if begin is None else begin
        elif symbol == " " and found:
            begin = (start + end) / 2
            found[-1] = Phone(label=found[-1].label, start_s=found[-1].start_s, end_s=begin)
        else:
            label = symbol if symbol in OF_PHONE else ""
            found.append(Phone(label=label, start_s=float(max(start if begin is None else begin, 0)), end_s=float(end)))
            begin = None
    return found


def occupancy(phones: list[Phone], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which viseme is spoken at each time: [T, V], each row one 1; outside all phones silence."""
    spoken = np.zeros((len(times_s), len(VISEMES)))
    ends = np.array([phone.end_s for phone in phones])
    index = np.searchsorted(ends, times_s, side="right")
    for row, (which, time) in enumerate(zip(index, times_s, strict=True)):
        inside = which < len(phones) and time >= phones[which].start_s
        label = phones[which].label if inside else ""
        spoken[row, VISEMES.index(OF_PHONE.get(label, SILENCE))] = 1
    return spoken


def loudness(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """One value a hop [n], QUIET to LOUD."""
    hop = round(16_000 * HOP_S)
    power = np.convolve(pcm.astype(np.float64) ** 2, np.full(400, 1 / 400))[399::hop]
    level = 0.5 * np.log(power + 1)
    return np.asarray(np.clip(level - max(np.percentile(level, 95), FAINT), QUIET, LOUD))
