"""Does somebody speak? WebRTC's detector, guarded by the room's own noise, with hang-over.

The detector alone fails three ways: a steady loud noise is speech to it for ever, a breath or a key is, and its strict setting
sleeps through the first 0.2 s of a voice that comes out of nothing. So a hop must also stand out of the room's noise, the strict
setting may be outvoted by a hop that is far louder than the room, and several hops must agree before speech begins.

Measured on the words and silences of GRID by tests/benchmarks/voice_activity.py; the record is in docs/benchmarks.

Source of the detector: the WebRTC project's VAD (Gaussian mixture models over six sub-bands), `webrtcvad-wheels`.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from realtime.audio import SAMPLE_RATE_HZ
from realtime.model_spec import HOP_MS

HOP_SAMPLES = SAMPLE_RATE_HZ * HOP_MS // 1000
STRICT, LENIENT = 3, 1  # the detector's own settings, 0 to 3
QUIETEST_DB = -62.0  # no room is taken to be quieter than this; full scale is 0
UNKNOWN_ROOM_DB = -46.0  # until it has been heard
RISE, FALL = 0.02, 0.05  # of the room's level, a hop without speech: half a second up, a fifth down
STEADY_HOPS = 300  # what never was quieter for three seconds is the room; a held vowel is rarely as long


class NoiseFloor:
    """The room's level in dB of full scale. State: the level, and that of each of the last three seconds' hops."""

    def __init__(self) -> None:
        self.level_db = UNKNOWN_ROOM_DB
        self._recent: deque[float] = deque(maxlen=STEADY_HOPS)

    def push(self, level_db: float, *, speech: bool) -> None:
        """One hop. The room is followed between speech, and wherever it has not been quieter for long."""
        level_db = max(level_db, QUIETEST_DB)
        self._recent.append(level_db)
        if not speech:
            self.level_db += (RISE if level_db > self.level_db else FALL) * (level_db - self.level_db)
        if len(self._recent) == STEADY_HOPS:
            self.level_db = max(self.level_db, min(self._recent))


@dataclass(frozen=True, kw_only=True)
class VoiceActivityConfig:
    """above_noise_db: how far speech stands out of the room; loud_db: from here on the lenient detector is believed.
    Speech begins with `onset_hops` of `onset_window_hops`, which a click or a key of 20 ms does not have, and ends `hangover_ms`
    after its last hop, which bridges the gaps between words."""

    above_noise_db: float = 9.0
    loud_db: float = 22.0
    onset_hops: int = 4
    onset_window_hops: int = 6
    hangover_ms: int = 220


class VoiceActivity:
    """Sound in, one decision a 10 ms hop out; how the sound is cut does not matter.

    State: the two detectors', the room's level, the last hops' decisions, what is left of the hang-over, an unfinished hop.
    """

    def __init__(self, config: VoiceActivityConfig | None = None) -> None:
        self._config = config or VoiceActivityConfig()
        self._strict, self._lenient = webrtcvad.Vad(STRICT), webrtcvad.Vad(LENIENT)
        self._noise = NoiseFloor()
        self._recent: deque[bool] = deque(maxlen=self._config.onset_window_hops)
        self._left_hops = 0
        self._pending = np.zeros(0, np.int16)

    def push(self, pcm: NDArray[np.int16]) -> list[bool]:
        """Samples [n] int16 at 16 kHz → whether there is speech, for each hop of 160 samples that they complete."""
        sound = np.concatenate([self._pending, pcm])
        complete = len(sound) // HOP_SAMPLES * HOP_SAMPLES
        self._pending = sound[complete:]
        return [self._decide(hop) for hop in sound[:complete].reshape(-1, HOP_SAMPLES)]

    def _decide(self, hop: NDArray[np.int16]) -> bool:
        heard = self._is_speech(hop)
        self._recent.append(heard)
        begins = sum(self._recent) >= self._config.onset_hops
        if begins or (heard and self._left_hops > 0):
            self._left_hops = self._config.hangover_ms // HOP_MS
        elif self._left_hops > 0:
            self._left_hops -= 1
        return self._left_hops > 0

    def _is_speech(self, hop: NDArray[np.int16]) -> bool:
        """This hop by itself. Both detectors hear every hop: they learn the room from it."""
        samples = hop.astype(np.float64) / 32768
        level_db = float(10 * np.log10(samples @ samples / HOP_SAMPLES + 1e-12))
        data = hop.tobytes()
        strict = self._strict.is_speech(data, SAMPLE_RATE_HZ)
        lenient = self._lenient.is_speech(data, SAMPLE_RATE_HZ)
        self._noise.push(level_db, speech=strict)
        above_db = level_db - self._noise.level_db
        return (lenient and above_db > self._config.loud_db) or (strict and above_db > self._config.above_noise_db)
