"""What a foreign caller, player or server says that it received, and what every such connection must show.

Each is a program of its own that prints one JSON object: `pictures` and `voice`, both [arrival in s, RTP time, base64 of a VP8
frame or an Opus packet]; `messages` of the data channel; `state` of its connection before it hung up; `hung_up`, the status; a
server also `asked_s`, when it asked for keyframes.
"""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from aiohttp.test_utils import TestServer
from numpy.typing import NDArray

from server.bench.light_caller import encode_speech
from tests.server.caller import RATE_HZ
from tests.server.conftest import base, core, nothing_is_learnt
from tests.server.interop.foreign import Program
from tests.server.test_call import speech

FRAME_S, PACKET_S = 0.04, 0.02
CLOCK_HZ = {"pictures": 90_000, "voice": 48_000}
LEAST_SHARE = {"pictures": 0.85, "voice": 0.95}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """pictures: uint8 [n, S, S, 3]; voice: int16 [n] at 48 kHz; media_s: media times of what came, by kind, from the first;
    keyframes_s: when whole pictures came."""

    pictures: NDArray[np.uint8]
    voice: NDArray[np.int16]
    media_s: dict[str, NDArray[np.float64]]
    arrivals_s: dict[str, NDArray[np.float64]]
    keyframes_s: NDArray[np.float64]
    asked_s: list[float]
    messages: list[dict[str, Any]]
    state: str
    hung_up: int

    @classmethod
    def parse(cls, text: str) -> Self:
        values = json.loads(text)
        streams = {kind: values[kind] for kind in CLOCK_HZ}
        return cls(
            pictures=decode_pictures([_bytes(frame) for _, _, frame in streams["pictures"]]),
            voice=decode_voice([_bytes(packet) for _, _, packet in streams["voice"]]),
            media_s={kind: _media_s([rtp for _, rtp, _ in came], CLOCK_HZ[kind]) for kind, came in streams.items()},
            arrivals_s={kind: np.array([at_s for at_s, _, _ in came], np.float64) for kind, came in streams.items()},
            keyframes_s=np.array([at_s for at_s, _, frame in values["pictures"] if _is_key(_bytes(frame))], np.float64),
            asked_s=values.get("asked_s", []),
            messages=values["messages"],
            state=values["state"],
            hung_up=values["hung_up"],
        )

    def check(self, seconds: float, size: int) -> None:
        """A whole call of so long: both streams on their grid and in time, the portrait moves, the voice is the caller's."""
        dropped = [message["dropped"] for message in self.messages if message["type"] == "stats"][-1]
        self.check_media(seconds, size, dropped)
        self._check_messages()

    def check_media(self, seconds: float, size: int, dropped: int, *, joined_late: bool = False) -> None:
        """The same of one who only receives. dropped: pictures that the server itself says it left out, for want of time: a
        test's machine may be busy; joined_late: in the middle of what was spoken."""
        assert self.state == "connected"
        assert self.hung_up == 200
        self._check_times(seconds, dropped)
        assert self.pictures.shape[1:] == (size, size, 3)
        assert len(self.pictures) == len(self.media_s["pictures"]), "a picture does not decode"
        assert liveliness(self.pictures) > 3, "the portrait stands still"
        assert loudness_likeness(self.voice, anywhere=joined_late) > 0.7

    def _check_times(self, seconds: float, dropped: int) -> None:
        for kind, step_s in (("pictures", FRAME_S), ("voice", PACKET_S)):
            media_s, arrivals_s = self.media_s[kind], self.arrivals_s[kind]
            steps = np.diff(media_s) / step_s
            assert np.allclose(steps, np.round(steps), atol=1e-3), f"{kind} off the grid"
            assert media_s[-1] > seconds - 1.0, f"{kind} end after {media_s[-1]:.1f} s"
            due = media_s[-1] / step_s - (dropped if kind == "pictures" else 0)
            assert len(media_s) >= LEAST_SHARE[kind] * due, f"{len(media_s)} {kind} in {media_s[-1]:.1f} s, {due:.0f} were due"
            assert np.ptp(arrivals_s - media_s) < 0.5, f"{kind} come {np.ptp(arrivals_s - media_s):.2f} s apart from their times"

    def _check_messages(self) -> None:
        kinds = [message["type"] for message in self.messages]
        assert kinds[0] == "hello"
        assert kinds.count("stats") >= 2
        pongs = {message["t"] for message in self.messages if message["type"] == "pong"}
        assert pongs >= {50, 100, 150}  # the channel may open after the first ping


async def called(server: TestServer, command: Sequence[str], folder: Path, seconds: float) -> Recording:
    """Runs a caller's program with the call's URL, the speech and the seconds behind its command; nothing of it stays."""
    tasks, files = len(asyncio.all_tasks()), open_files()
    path = folder / "speech.json"
    path.write_text(json.dumps([base64.b64encode(packet).decode() for packet in encode_speech(speech())]))
    url = f"{base(server)}/whip?portrait=eileen-collins"
    async with Program([*command, url, str(path), str(seconds)]) as program:
        out = await program.rest()
    await nothing_stays(server, tasks, files)
    return Recording.parse(out)


async def nothing_stays(server: TestServer, tasks: int, files: int) -> None:
    engine = core(server).engine
    assert engine is not None
    await nothing_is_learnt(server)
    await asyncio.sleep(0.5)
    assert not core(server).sessions
    assert engine.n_sessions == 0
    assert len(asyncio.all_tasks()) <= tasks + 1  # a keep-alive connection may still be closing
    assert open_files() <= files + 2


def decode_pictures(frames: Sequence[bytes]) -> NDArray[np.uint8]:
    decoder = av.CodecContext.create("vp8", "r")
    shown = [picture for frame in frames for picture in decoder.decode(av.Packet(frame))]
    return np.stack([np.asarray(picture.to_ndarray(format="bgr24"), np.uint8) for picture in shown])


def decode_voice(packets: Sequence[bytes]) -> NDArray[np.int16]:
    decoder = av.CodecContext.create("opus", "r")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    heard = [sound for packet in packets for sound in decoder.decode(av.Packet(packet))]
    return np.concatenate([part.to_ndarray()[0] for sound in heard for part in resampler.resample(sound)]).astype(np.int16)


def liveliness(pictures: NDArray[np.uint8]) -> float:
    """By how much the liveliest half percent of a picture's points vary, in grey levels, after the first second, in which the
    encoder refines even a still one. One that stands still: 0.5; a mouth that speaks: 12."""
    return float(np.percentile(pictures[25:].mean(3).std(0), 99.5))


def loudness_likeness(voice: NDArray[np.int16], *, anywhere: bool = False) -> float:
    """How like the loudness of what came is to that of what was spoken, at the shift that fits best: 0.2 s either way, or any,
    where it is spoken over and over. The voice went through two encoders and perhaps another clock: its waveform is not
    compared."""
    heard, spoken = _loudness(voice), _loudness(speech())
    heard = heard[20 : len(spoken) - 40]  # 0.2 s in and 0.2 s short of the end of the speech
    shifts = range(len(spoken)) if anywhere else range(-20, 21)
    spoken = np.concatenate([spoken, spoken]) if anywhere else spoken
    return max(float(np.corrcoef(heard, spoken[20 + shift : 20 + shift + len(heard)])[0, 1]) for shift in shifts)


def _loudness(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Of each 10 ms."""
    blocks = pcm[: len(pcm) // 480 * 480].reshape(-1, 480).astype(np.float64)
    return np.asarray(np.sqrt((blocks**2).mean(1)))


def _media_s(rtp: Sequence[int], clock_hz: int) -> NDArray[np.float64]:
    return np.array([(time - rtp[0]) % 2**32 for time in rtp], np.float64) / clock_hz


def _is_key(frame: bytes) -> bool:
    """RFC 6386, section 9.1."""
    return not frame[0] & 1


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
