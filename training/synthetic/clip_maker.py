"""One synthetic clip: an actor says a sentence; film and labels are written beside each other.

ACTOR/00012.mkv   H264 at 25 frames a second, sound FLAC 16 kHz
ACTOR/00012.npz   action_units [T, A] and their names, landmarks_2d [T, 68, 2], landmarks_3d [T, 68, 3] (pixels, z away from
                  the viewer), pose [T, 3] (yaw, pitch, roll in radians, against the actor's own)
ACTOR/00012.json  sentence, phones with times, emotion, level, voice, actor, seed
"""

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from training.synthetic import face_units
from training.synthetic.coarticulation import speak
from training.synthetic.ibug68 import MESH_POINTS
from training.synthetic.kokoro import Kokoro, Voice
from training.synthetic.performance import EMOTIONS, FRAME_RATE, LEVELS, perform
from training.synthetic.photo_actor import PhotoActor
from training.synthetic.sentences import any_sentence, phones
from training.synthetic.visemes import QUIET, Phone, loudness, phone_times

SAMPLE_RATE_HZ = 16_000
SAMPLES_A_FRAME = SAMPLE_RATE_HZ // FRAME_RATE


@dataclass(frozen=True, kw_only=True)
class Script:
    """What one clip is to be; drawn from its own random numbers, so that clips can be made in any order."""

    name: str
    actor: str
    sentence: str
    voice: Voice
    emotion: str
    level: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Speech:
    """pcm: int16, 16 kHz, 640 samples a frame; phones: when each is spoken."""

    pcm: NDArray[np.int16]
    phones: list[Phone]


@dataclass(frozen=True, kw_only=True)
class Take:
    """frames [T, S, S, 3] RGB; pcm: int16, 640 samples a frame; mesh [T, 478, 3]; the rest as in the labels."""

    frames: NDArray[np.uint8]
    pcm: NDArray[np.int16]
    mesh: NDArray[np.float64]
    action_units: NDArray[np.float64]
    pose: NDArray[np.float64]
    phones: list[Phone]


def write_script(index: int, seed: int, actors: list[str], kokoro: Kokoro) -> Script:
    """The clip of this number."""
    rng = np.random.default_rng([seed, index])
    return Script(
        name=f"{index:05}",
        actor=actors[index % len(actors)],
        sentence=any_sentence(rng),
        voice=kokoro.any_voice(rng),
        emotion=str(rng.choice(list(EMOTIONS))),
        level=int(rng.integers(1, len(LEVELS) + 1)),
        seed=int(rng.integers(2**31)),
    )


def speech_of(script: Script, kokoro: Kokoro) -> Speech:
    """The sentence, said in the script's voice; as many samples as whole frames last."""
    text = phones(script.sentence)
    pcm, durations = kokoro.say_timed(text, script.voice)
    return Speech(pcm=pcm[: len(pcm) // SAMPLES_A_FRAME * SAMPLES_A_FRAME], phones=phone_times(text, durations))


def play(script: Script, speech: Speech, actor: PhotoActor) -> Take:
    """Motion and pictures for a speech."""
    rng = np.random.default_rng(script.seed)
    n_frames = len(speech.pcm) // SAMPLES_A_FRAME
    voiced = np.clip(1 - loudness(speech.pcm)[::4][:n_frames] / QUIET, 0, 1)
    said = speak(speech.phones, speech.pcm, n_frames)
    done = perform(said, voiced, speech.phones, emotion=script.emotion, level=script.level, rng=rng)
    drawn = [
        actor.frame(done.action_units[t], done.pose[t], done.shift[t], float(done.tongue[t]), done.gaze[t])
        for t in range(n_frames)
    ]
    return Take(
        frames=np.stack([frame.image for frame in drawn]),
        pcm=speech.pcm,
        mesh=np.stack([frame.points for frame in drawn]),
        action_units=done.action_units,
        pose=done.pose,
        phones=speech.phones,
    )


def store(script: Script, take: Take, folder: Path) -> None:
    """Film and labels; the film comes last and in one step, so a clip that has one is whole."""
    folder = folder / script.actor
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        folder / f"{script.name}.npz",
        action_units=take.action_units.astype(np.float16),
        action_unit_names=np.array(face_units.ACTION_UNITS),
        landmarks_2d=take.mesh[:, list(MESH_POINTS), :2].astype(np.float32),
        landmarks_3d=take.mesh[:, list(MESH_POINTS)].astype(np.float32),
        pose=take.pose.astype(np.float32),
    )
    said = asdict(script) | {"phones": [[phone.start_s, phone.end_s, phone.label] for phone in take.phones]}
    (folder / f"{script.name}.json").write_text(json.dumps(said, ensure_ascii=False, indent=1))
    partial = folder / f"{script.name}.partial"
    write_film(partial, take.frames, take.pcm)
    partial.replace(folder / f"{script.name}.mkv")


def write_film(path: Path, frames: NDArray[np.uint8], pcm: NDArray[np.int16]) -> None:
    """Matroska: H264 (CRF 16) and FLAC."""
    with av.open(str(path), "w", format="matroska", container_options={"fflags": "bitexact"}) as container:  # no date, no number
        video: Any = container.add_stream("libx264", rate=FRAME_RATE, options={"preset": "veryfast", "crf": "16", "threads": "1"})
        video.width, video.height, video.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        audio: Any = container.add_stream("flac", rate=SAMPLE_RATE_HZ, layout="mono")
        for image in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE_HZ, 0, Fraction(1, SAMPLE_RATE_HZ)
        for part in (sound, None):
            container.mux(audio.encode(part))
