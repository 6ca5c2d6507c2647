"""GRID in miniature: shipped portraits whose mouths follow recorded speech, in the corpus's own folders and formats."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.alignment import crop_to_image
from realtime.audio import read_audio_file
from realtime.face_landmarks import FaceLandmarker

ROOT = Path(__file__).resolve().parents[2]
PORTRAITS = ROOT / "web_client" / "portraits"
SPEECH = ROOT / "tests" / "fixtures" / "speech.wav"
SIZE = 288
FRAMES = 30
SAMPLES_A_FRAME = 640
FORMATS = {  # suffix: container, video codec, sound codec, sound layout
    ".mpg": ("mpeg", "mpeg1video", "mp2", "stereo"),
    ".mkv": ("matroska", "libx264", "flac", "mono"),
    ".mp4": ("mp4", "libx264", "aac", "mono"),
    ".flv": ("flv", "flv", "libmp3lame", "mono"),
    ".m4a": ("ipod", "", "aac", "mono"),
    ".wav": ("wav", "", "pcm_s16le", "mono"),
}
CLIPS = (  # file, portrait, where in the fixture, in frames
    ("s1/bbaf2n.mkv", "speaker-26", 36),
    ("s1/lgbz5a.mkv", "speaker-26", 60),
    ("s2/video/lwix4s.mpg", "grace-hopper", 102),
    ("s3/prwd7p.mkv", "speaker-31", 237),
)
ALIGN = "0 5000 sil\n5000 10000 bin\n10000 25000 blue\n25000 30000 sil\n"


def make_corpus(root: Path) -> Path:
    """Three speakers' clips, and beside them what a loader must report and leave out."""
    sound = read_audio_file(SPEECH)
    for name, portrait, start in CLIPS:
        pcm = sound[start * SAMPLES_A_FRAME : (start + FRAMES) * SAMPLES_A_FRAME]
        write_clip(root / name, speak(picture(portrait), loudness(pcm)), pcm)
    still = np.repeat(picture("speaker-31")[None], FRAMES, 0)
    pcm = sound[: FRAMES * SAMPLES_A_FRAME]
    write_clip(root / "s4" / "swiu9s.mkv", still, pcm, rate=10)
    write_clip(root / "s4" / "pbwxzs.mkv", np.full_like(still, 127), pcm)
    write_clip(root / "s4" / "prwd0p.mkv", still[:5], pcm[:3200])  # 0 is no digit of GRID's
    write_clip(root / "s4" / "sgao4n.mkv", still, pcm[: len(pcm) // 2])
    write_clip(root / "s4" / "srbh1a.mkv", still[:9], pcm)
    write_clip(root / "s4" / "bgim3s.mkv", still, pcm[:0])
    whole = (root / "s1" / "bbaf2n.mkv").read_bytes()
    (root / "s4" / "bbaf3s.mkv").write_bytes(whole[:200])
    (root / "s4" / "bbaf4p.mkv").write_bytes(whole[: len(whole) // 5])
    for speaker, text in (("s1", ALIGN), ("s3", "0 5000\nsil")):
        (root / speaker / "align").mkdir()
        (root / speaker / "align" / f"{'bbaf2n' if speaker == 's1' else 'prwd7p'}.align").write_text(text)
    return root


def picture(portrait: str) -> NDArray[np.uint8]:
    """A shipped portrait [SIZE, SIZE, 3] BGR."""
    photograph = cv2.imread(str(PORTRAITS / f"{portrait}.jpg"))
    assert photograph is not None
    return np.asarray(cv2.resize(photograph, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def loudness(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Of each frame [T], 0..1: how wide the mouth opens."""
    energy = np.sqrt(np.mean(pcm.astype(np.float64).reshape(-1, SAMPLES_A_FRAME) ** 2, 1))
    return np.asarray(energy / max(float(energy.max()), 1.0))


def speak(face: NDArray[np.uint8], opening: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Frames [T, SIZE, SIZE, 3]: what is below the line of the lips moves down by `opening` (0..1) times six crop pixels."""
    landmarker = FaceLandmarker()
    landmarks = landmarker.find(face, landmarker.detect(face)[0])
    unit = float(np.hypot(*crop_to_image(landmarks)[:, 0]))  # image pixels a crop pixel
    lip = landmarks[[13, 14], :2].mean(0)
    y, x = np.mgrid[: face.shape[0], : face.shape[1]].astype(np.float32)
    across = np.exp(-(((x - lip[0]) / (12 * unit)) ** 2))
    below = np.where(y > lip[1], np.exp(-(((y - lip[1]) / (40 * unit)) ** 2)), 0)
    frames = []
    for amount in opening:
        drop = (6 * unit * amount * across * below).astype(np.float32)
        moved = cv2.remap(face, x, np.maximum(y - drop, np.minimum(y, lip[1])), cv2.INTER_LINEAR)
        gap = ((y > lip[1]) & (y < lip[1] + drop) & (drop > 1))[..., None]
        frames.append(np.where(gap, np.uint8(30), moved))
    return np.stack(frames).astype(np.uint8)


def write_clip(
    path: Path,
    frames: NDArray[np.uint8],
    pcm: NDArray[np.int16],
    *,
    rate: Fraction | int = 25,
    missing: frozenset[int] = frozenset(),
) -> None:
    """Frames [T, H, W, 3] BGR, some of them missing, and sound [n] at 16 kHz, written at 44.1 kHz; no samples, no track. `.mpg`
    is GRID's own format."""
    container_format, video_codec, audio_codec, layout = FORMATS[path.suffix]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container_format) as container:
        video: Any = container.add_stream(video_codec, rate=rate)
        video.height, video.width, video.pix_fmt, video.bit_rate = *frames.shape[1:3], "yuv420p", 2_000_000
        audio: Any = container.add_stream(audio_codec, rate=44_100, layout=layout) if len(pcm) else None
        for index, pixels in enumerate(frames):
            if index in missing:
                continue
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            frame.pts, frame.time_base = index, 1 / Fraction(rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            _write_sound(container, audio, pcm, layout)


def write_sound(path: Path, pcm: NDArray[np.int16]) -> None:
    """Sound [n] at 16 kHz in a file of its own, written at 44.1 kHz."""
    container_format, _, audio_codec, layout = FORMATS[path.suffix]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container_format) as container:
        _write_sound(container, container.add_stream(audio_codec, rate=44_100, layout=layout), pcm, layout)


def _write_sound(container: Any, stream: Any, pcm: NDArray[np.int16], layout: str) -> None:
    sound = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    sound.sample_rate, sound.pts, sound.time_base = 16_000, 0, Fraction(1, 16_000)
    resampler = av.AudioResampler(format=stream.format.name, layout=layout, rate=44_100)
    for part in (*resampler.resample(sound), *resampler.resample(None)):
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))
