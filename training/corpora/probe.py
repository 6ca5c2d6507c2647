"""Looks into every file of a corpus: is it whole, has it picture and sound, at which rate, how long. No face is looked for."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import av
from tqdm import tqdm

from training.corpora.clip import Clip
from training.corpora.found import LeftOut
from training.media import MediaError, check_rate, open_media

SHORTEST_S = 1.0  # less holds no word
MAX_MISSING_S = 0.2  # of sound under the picture, or of packets under what the header says


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What a clip's files hold: the picture's frame rate, length and size."""

    frame_rate: float
    duration_s: float
    width: int
    height: int


@dataclass(kw_only=True)
class Track:
    """Picture or sound of a file as it is read: the stream's own words (for a picture), first and last moment in seconds,
    frames that were decoded."""

    frame_rate: float = 0.0
    width: int = 0
    height: int = 0
    begin_s: float = float("inf")
    end_s: float = 0.0
    decoded: int = 0

    def push(self, packet: av.Packet, *, decode: bool) -> None:
        """The next packet; it is decoded until something has come of one, or always."""
        if packet.pts is not None and packet.time_base:
            self.begin_s = min(self.begin_s, float(packet.pts * packet.time_base))
            lasts_s = float((packet.duration or 0) * packet.time_base) or (1 / self.frame_rate if self.frame_rate else 0.0)
            self.end_s = max(self.end_s, float(packet.pts * packet.time_base) + lasts_s)
        if decode or not self.decoded:
            self.decoded += len(packet.decode())

    @property
    def length_s(self) -> float:
        return self.end_s - self.begin_s


def probe(clip: Clip, *, decode: bool = False) -> Probed:
    """Reads all packets of picture and sound, and decodes the first of each, or all.

    Raises MediaError where a file cannot be read, ends early, has no picture or no sound for all of it, or is too short or
    of a rate that no speech video has.
    """
    tracks = _tracks(clip.path, decode=decode)
    picture, sound = tracks.get("video"), (_tracks(clip.audio, decode=decode) if clip.audio else tracks).get("audio")
    if picture is None:
        raise MediaError(f"{clip.path}: no picture in it")
    if sound is None:
        raise MediaError(f"{clip.audio or clip.path}: no sound in it")
    check_rate(clip.path, picture.frame_rate)
    if picture.length_s < SHORTEST_S:
        raise MediaError(f"{clip.path}: {picture.length_s:.1f} s long, at least {SHORTEST_S:g} s were expected")
    if sound.length_s < picture.length_s - MAX_MISSING_S:
        raise MediaError(f"{clip.audio or clip.path}: {sound.length_s:.1f} s of sound, {picture.length_s:.1f} s of picture")
    return Probed(frame_rate=picture.frame_rate, duration_s=picture.length_s, width=picture.width, height=picture.height)


def probe_all(clips: Sequence[Clip], *, decode: bool, threads: int) -> tuple[list[tuple[Clip, Probed]], list[LeftOut]]:
    """Every clip, in parallel, with a progress bar: those that can be used, in their order, and the others with the reason."""
    good: dict[str, Probed] = {}
    bad: dict[str, LeftOut] = {}
    with ThreadPoolExecutor(threads) as pool:
        jobs = {pool.submit(probe, clip, decode=decode): clip for clip in clips}
        try:
            for job in tqdm(as_completed(jobs), total=len(jobs), desc="looking into files", unit="clip"):
                clip = jobs[job]
                try:
                    good[clip.key] = job.result()
                except MediaError as error:
                    bad[clip.key] = LeftOut(path=clip.path, reason=str(error).removeprefix(f"{clip.path}: "))
        except BaseException:  # interrupted: what has begun ends, the rest is not begun
            pool.shutdown(cancel_futures=True)
            raise
    usable = [(clip, good[clip.key]) for clip in clips if clip.key in good]
    return usable, [bad[clip.key] for clip in clips if clip.key in bad]


def _tracks(path: Path, *, decode: bool) -> dict[str, Track]:
    """The first picture ("video") and the first sound ("audio") of a file; what is missing or decodes to nothing is not there."""
    try:
        with open_media(path) as container:  # its streams may not be touched once it is closed
            pictures, sounds = container.streams.video[:1], container.streams.audio[:1]
            tracks = {stream.index: _picture(stream) for stream in pictures} | {stream.index: Track() for stream in sounds}
            kinds = {stream.index: stream.type for stream in (*pictures, *sounds)}
            for packet in container.demux(*pictures, *sounds) if tracks else ():
                tracks[packet.stream.index].push(packet, decode=decode)
            said_s = (container.duration or 0) / av.time_base
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    whole: dict[str, Track] = {
        kinds[index]: track for index, track in tracks.items() if track.decoded and track.end_s > track.begin_s
    }
    _check_end(path, list(whole.values()), said_s)
    return whole


def _check_end(path: Path, tracks: list[Track], said_s: float) -> None:
    """Raises MediaError where all tracks end before what the file's header says."""
    if not tracks:
        return
    length_s = max(track.end_s for track in tracks) - min(track.begin_s for track in tracks)
    if length_s < said_s - MAX_MISSING_S:
        raise MediaError(f"{path}: it ends after {length_s:.1f} s of {said_s:.1f} s")


def _picture(stream: av.VideoStream) -> Track:
    return Track(frame_rate=float(stream.average_rate or 0), width=stream.width, height=stream.height)
