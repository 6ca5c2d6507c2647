"""Does somebody speak? WebRTC's detector, guarded by the room's own noise, with hang-over.

The detector alone takes steady noise for speech at times; a hop must also be louder than the hops that were no speech.
Source of the detector: the WebRTC project's VAD (Gaussian mixture models over six sub-bands), `webrtcvad-wheels`.
"""

from collections import deque

import numpy as np
import webrtcvad
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
HOP_SAMPLES = 160
QUIETEST_DB = -62.0  # no room is taken to be quieter than this; full scale is 0
UNKNOWN_ROOM_DB = -46.0  # until it has been heard
NOISE_FOLLOWS = 0.02  # of the room's level, a hop without speech: half a second


class VoiceActivity:
    """Sound in, one decision a 10 ms hop out.

    aggressiveness: WebRTC's, 0 to 3; above_noise_db: how far speech stands out of the room's noise; onset_hops: so many of
    the last four hops begin speech, a click does not; hangover_ms: how long speech goes on after its last hop.
    """

    def __init__(
        self,
        *,
        aggressiveness: int = 3,
        above_noise_db: float = 8.0,
        onset_hops: int = 2,
        hangover_ms: int = 200,
    ) -> None:
        self._detector = webrtcvad.Vad(aggressiveness)
        self._above_noise_db, self._onset_hops = above_noise_db, onset_hops
        self._hangover_hops = hangover_ms // 10
        self._pending = np.zeros(0, np.int16)
        self._noise_db = UNKNOWN_ROOM_DB
        self._recent: deque[bool] = deque([False] * 4, maxlen=4)
        self._left = 0  # hops of hang-over that remain

    def push(self, pcm: NDArray[np.int16]) -> list[bool]:
        """Samples [n] int16 at 16 kHz → whether there is speech, for each hop of 160 samples that they complete."""
        self._pending = np.concatenate([self._pending, pcm])
        decisions = []
        while len(self._pending) >= HOP_SAMPLES:
            hop, self._pending = self._pending[:HOP_SAMPLES], self._pending[HOP_SAMPLES:]
            decisions.append(self._decide(hop))
        return decisions

    def _decide(self, hop: NDArray[np.int16]) -> bool:
        level_db = 10 * np.log10(np.mean((hop / 32768.0) ** 2) + 1e-12)
        like_speech = self._detector.is_speech(hop.tobytes(), SAMPLE_RATE_HZ)
        if not like_speech:
            self._noise_db += NOISE_FOLLOWS * (max(level_db, QUIETEST_DB) - self._noise_db)
        self._recent.append(like_speech and level_db > self._noise_db + self._above_noise_db)
        if sum(self._recent) >= self._onset_hops:
            self._left = self._hangover_hops
        elif self._left > 0:
            self._left -= 1
        return self._left > 0
