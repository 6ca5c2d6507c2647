"""Makes realtime/motion/speech.ogg, the speech that every portrait's motion basis is learnt from.

    make voices && .venv-dev/bin/python -m training.synthetic.motion_speech runs/kokoro/package/voices

Six sentences in six voices; between them every mouth shape of English is made, quickly and slowly, from closed and from open.
The phones are those of the package `hibari-tts` 0.2.1 (Apache-2.0). Nobody's recording: the voices are a network's.
"""

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

import realtime.motion
from training.synthetic.kokoro import Kokoro, Voice

RATE_HZ = 16_000
PAUSE_S = 0.4
SPOKEN = (
    ("af_bella", "ðə fˈIv bˈɪɡ bˈYz pˈʊʃ pˈæst mI mˈɑm fɔɹ fɹˈi pˈɑpkˌɔɹn, wˌIl wi wˈɔʃ ðə wˈIt ʃˈip."),
    ("bm_george", "ˈO jˈɛs, ʃi sˈɔ ðə jˈuʒəwəl mˈɛʒəɹ ʌv θˈɪk blˈu ʤˈæm; wˌI ʤˈYn ðə ʤˈʌʤ æt fˈɔɹ?"),
    ("am_michael", "plˈAs ɹˈɛd wɪð zˈi nˈIn plˈiz, ðˈɛn sˈɛt ɡɹˈin bI kjˈu tˈu əɡˈɛn."),
    ("bf_emma", "ˈɛvəɹi vˈɪvəd θˈɔt ju hæv ʃˈOz hˌW fˈæst ɐ mˈWθ mˈA ˈOpᵊn ænd klˈOs."),
    ("am_puck", "jˌu hˈɪɹ? ˌWəɹ ˈOld ˈWl mˈA pˈɜɹ, kˈul ænd kˈɑm, əbˈʌv ðə wˈɔɹm vˈɪlɪʤ pˈul."),
    ("af_kore", "wˈW! ˈɑ, ˈAt ˈæpᵊlz, ˈiʧ ʌv ðˌɛm hjˈuʤ, ʃˈIni ænd ʧˈip."),
)
BITS_PER_SECOND = 24_000


def main() -> None:
    """Writes speech.ogg beside the modules that learn from it."""
    kokoro = Kokoro(Path(sys.argv[1]))
    pause = np.zeros(int(PAUSE_S * RATE_HZ), np.int16)
    parts = [pause]
    for name, phones in SPOKEN:
        parts += [kokoro.say(phones, Voice(first=name, second=name, share=1.0, speed=1.15)), pause]
    write_opus(np.concatenate(parts), Path(realtime.motion.__file__).with_name("speech.ogg"))


def write_opus(pcm: NDArray[np.int16], path: Path) -> None:
    """16 kHz mono → Ogg Opus."""
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono", bit_rate=BITS_PER_SECOND)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        fifo = av.AudioFifo()
        fifo.write(frame)
        while block := fifo.read(RATE_HZ // 50, partial=True):
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
