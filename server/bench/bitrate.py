"""`facewire bench bitrate`: what a face takes on the wire, and how near it comes to the server's own render: VP8, H264 and the
motion stream on the same frames of every shipped portrait; and the ladder on shaped links (`ladder.py`).

The speech is not the one that the motion basis is learnt from. Judged is the lips' box with a margin. Beside the streams stand
the portrait at rest and the mean picture, which take nothing: what a stream adds to them is its own. A video stream's figures
leave its first second out (the keyframe is on its way), its bytes do not.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.audio import read_audio_file
from realtime.compositor import Compositor
from realtime.engine import Engine
from realtime.layers import FaceLayers
from realtime.motion import atlas as atlas_format
from realtime.motion.atlas import Atlas, AtlasReader
from realtime.motion.basis import Projector
from realtime.motion.message import Coefficients, MotionFrame, MotionMessage, decode, encode
from realtime.portrait import prepare_portrait
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from server.bench import ladder, rungs
from server.bench.perceptual import load_lpips
from server.bench.picture_quality import Quality
from server.bench.progress import tell
from server.bench.record import Figures, Report, table
from server.bench.subject import JUDGED_EVERY, SETTLING_FRAMES, Picture, Subject
from server.bench.video_codecs import VideoTrial
from server.bench.wire import kbps, message_bytes, video_bytes
from server.portraits import SHIPPED, preview_of

FRAMES_A_MESSAGE = 3
FIRST_PART_BYTES = 4000  # of the atlas: with these alone it must be of use
CODECS_KBPS = tuple((codec, rate) for codec in ("vp8", "h264") for rate in (30, 60, 120, 250, 700))
SHEET_COLUMNS = 10


def run(
    *,
    model: Path | None,
    size: int,
    speech: Path,
    portraits: list[str] | None,
    sheets: Path | None,
    links: Sequence[float],
    seconds: float,
) -> Report:
    """portraits: ids of the gallery (None: all of it); sheets: a folder for pictures: the render above, what the motion stream
    shows below; links: rates in kbit/s at which a call is made, each measured for so many seconds.

    Raises AudioError, ModelError, ConfigError.
    """
    pcm, lpips, figures = read_audio_file(speech), load_lpips(), {}
    with Engine(load_runner(model or default_model())) as engine:
        spoken = ladder.Spoken.by_first_portrait(engine, size, speech) if links else None
        for entry in json.loads((SHIPPED / "portraits.json").read_text()):
            if portraits is None or entry["id"] in portraits:
                tell(f"{entry['id']}: motion stream, VP8, H264")
                data = (SHIPPED / Path(entry["image"]).name).read_bytes()
                subject = Subject.speaking(entry["id"], prepare_portrait(data, size), engine, pcm, lpips)
                figures[entry["id"]] = measure(subject, sheets)
        shown = _rungs(spoken, engine, pcm) if spoken else {}
    spec = engine.spec
    configuration = {
        "model": f"{spec.system}/{spec.preset}",
        "size": size,
        "speech": speech.name,
        "frames_a_message": FRAMES_A_MESSAGE,
    }
    motions = [figure["motion"] for figure in figures.values()]
    worst = {name: _worst(name, motions) for name in (motions[0] if motions else ())}
    flags = ["--size", str(size), *(["--model", str(model)] if model else [])]
    found = ladder.measure([ladder.link(rate) for rate in links], spoken, flags, seconds) if spoken else {}
    for link in found.values():
        link["ssim_mouth"] = shown[link["rung"]]["ssim_mouth"] if link["rung"] else None
    if found:
        configuration["seconds_a_link"] = seconds
    title = f"What a face takes on the wire: {spec.system}/{spec.preset}, {size} px"
    tables = [*(_tables(figures) if figures else []), *([*rungs.tables(shown), *ladder.tables(found)] if found else [])]
    return title, {"configuration": configuration, **worst, "portraits": figures, "rungs": shown, "links": found}, tables


def _rungs(spoken: ladder.Spoken, engine: Engine, pcm: NDArray[np.int16]) -> Figures:
    """What each rung shows of the portrait that calls over the links."""
    tell(f"{spoken.key}: what each rung shows")
    subject = Subject.speaking(spoken.key, spoken.portrait, engine, pcm, None)
    wanted = [subject.mouth(subject.compositor.draw(layers)).copy() for layers in subject.layers[::JUDGED_EVERY]]
    at_rest = _still(subject, wanted, subject.mouth(subject.portrait.image))
    return rungs.measure(subject, _motion(subject, wanted, None), at_rest)


def measure(subject: Subject, sheets: Path | None = None) -> Figures:
    """One portrait's figures."""
    side = subject.portrait.image.shape[0]
    trials = [VideoTrial(codec, side, 1000 * rate) for codec, rate in CODECS_KBPS]
    qualities, taken = [Quality() for _ in trials], [0] * len(trials)
    wanted: list[Picture] = []  # mouths of the frames that are judged
    for index, layers in enumerate(subject.layers):
        picture = subject.compositor.draw(layers)
        judged = index % JUDGED_EVERY == 0
        if judged:
            wanted.append(subject.mouth(picture).copy())
        for place, trial in enumerate(trials):
            shown, size = trial.push(picture, index)
            taken[place] += video_bytes(size)
            if judged and index >= SETTLING_FRAMES:
                subject.judge(qualities[place], shown, wanted[-1])
    rows = zip(CODECS_KBPS, taken, qualities, strict=True)
    return {
        "motion": _motion(subject, wanted, sheets),
        "videos": [
            {"codec": codec, "asked_kbps": rate, "wire_kbps": kbps(size, subject.seconds), **quality.figures()}
            for (codec, rate), size, quality in rows
        ],
        "mean_picture": _still(subject, wanted, np.mean(wanted, 0).round().astype(np.uint8)),
        "portrait_at_rest": _still(subject, wanted, subject.mouth(subject.portrait.image)),
    }


def _motion(subject: Subject, wanted: list[Picture], sheets: Path | None) -> Figures:
    data = atlas_format.encode(subject.atlas)
    received = _read(data)
    projector = Projector(received)
    sent = _messages(subject.layers, projector, received)
    rows = _rows(sent, received)
    drawn = [projector.layers(row) for row in rows]
    first = len(_read(data[:FIRST_PART_BYTES]).components)
    with_first = [projector.layers(row[:first] + (0,) * (len(row) - first)) for row in rows]
    preview = preview_of(subject.portrait)
    still = np.asarray(cv2.imdecode(np.frombuffer(preview, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    on_preview = Compositor(replace(subject.portrait, image=still), subject.compositor.head)
    if sheets is not None:
        _write_sheet(subject, drawn, on_preview, sheets)
    return {
        "motion_kbps": kbps(sum(map(len, sent)), subject.seconds),
        "wire_kbps": kbps(sum(message_bytes(len(message)) for message in sent), subject.seconds),
        "atlas_kb": round(len(data) / 1000, 2),
        "components": len(received.components),
        **_judged(subject, wanted, subject.compositor, drawn),
        "first_4_kb": {"components": first, **_judged(subject, wanted, subject.compositor, with_first)},
        "on_preview": {"preview_kb": round(len(preview) / 1000, 1), **_judged(subject, wanted, on_preview, drawn)},
    }


def _messages(layers: list[FaceLayers], projector: Projector, atlas: Atlas) -> list[bytes]:
    """As a call's: three new frames, after the three before them."""
    frames = [MotionFrame(coefficients=projector.project(frame)) for frame in layers]
    ends = range(FRAMES_A_MESSAGE, len(frames) + FRAMES_A_MESSAGE, FRAMES_A_MESSAGE)
    parts = [(start := max(0, end - 2 * FRAMES_A_MESSAGE), tuple(frames[start:end])) for end in ends]
    return [encode(MotionMessage(atlas=atlas.identity, first_frame=start, frames=part), atlas) for start, part in parts]


def _rows(sent: Sequence[bytes], atlas: Atlas) -> list[Coefficients]:
    """Each frame's coefficients, once."""
    messages = [decode(data, atlas) for data in sent]
    frames = {message.first_frame + place: frame for message in messages for place, frame in enumerate(message.frames)}
    return [frames[number].coefficients for number in range(len(frames))]


def _read(data: bytes) -> Atlas:
    reader = AtlasReader()
    reader.push(data)
    return reader.atlas


def _judged(subject: Subject, wanted: list[Picture], compositor: Compositor, drawn: list[FaceLayers]) -> dict[str, Any]:
    """The frames as `compositor` draws them, against the server's render."""
    quality = Quality()
    for layers, mouth in zip(drawn[::JUDGED_EVERY], wanted, strict=True):
        subject.judge(quality, compositor.draw(layers), mouth)
    return quality.figures()


def _still(subject: Subject, wanted: list[Picture], mouth: Picture) -> dict[str, Any]:
    quality = Quality()
    for other in wanted:
        subject.judge(quality, mouth, other)
    return quality.figures()


def _write_sheet(subject: Subject, drawn: list[FaceLayers], on_preview: Compositor, folder: Path) -> None:
    """The mouth at its full size: the render above, below it what a listener sees, on the portrait as it was sent."""
    folder.mkdir(parents=True, exist_ok=True)
    far = np.array([np.abs(layers.flow).max() for layers in subject.layers])
    spoken = np.flatnonzero(far > np.percentile(far, 50))
    chosen = spoken[np.linspace(0, len(spoken) - 1, SHEET_COLUMNS).astype(int)]
    above = [subject.mouth(subject.compositor.draw(subject.layers[index])) for index in chosen]
    below = [subject.mouth(on_preview.draw(drawn[index])) for index in chosen]
    cv2.imwrite(str(folder / f"{subject.name}.png"), np.vstack([np.hstack(above), np.hstack(below)]))


def _worst(name: str, motions: list[Figures]) -> Any:
    """Of all portraits: the largest of what is spent, the least of what is reached."""
    values = [motion[name] for motion in motions]
    if any(not isinstance(value, int | float) for value in values):
        return None
    return min(values) if name.startswith(("psnr", "ssim", "components")) else max(values)


def _tables(figures: Figures) -> list[str]:
    motion = [
        "portrait",
        "payload kbit/s",
        "wire kbit/s",
        "atlas kB",
        "PSNR",
        "SSIM",
        "worst",
        "LPIPS",
        "first 4 kB: PSNR",
        "SSIM",
    ]
    motion += ["on the preview: PSNR", "SSIM", "mean picture: PSNR", "SSIM", "at rest: SSIM"]
    rows = []
    for name, figure in figures.items():
        own, first, preview = figure["motion"], figure["motion"]["first_4_kb"], figure["motion"]["on_preview"]
        mean, rest = figure["mean_picture"], figure["portrait_at_rest"]
        row = [name, own["motion_kbps"], own["wire_kbps"], own["atlas_kb"], own["psnr_mouth"], own["ssim_mouth"]]
        row += [own["ssim_mouth_worst"], own["lpips_mouth"], first["psnr_mouth"], first["ssim_mouth"]]
        row += [preview["psnr_mouth"], preview["ssim_mouth"], mean["psnr_mouth"], mean["ssim_mouth"], rest["ssim_mouth"]]
        rows.append(row)
    video = ["portrait", "codec", "asked for kbit/s", "wire kbit/s", "PSNR", "SSIM", "LPIPS"]
    keys = ("codec", "asked_kbps", "wire_kbps", "psnr_mouth", "ssim_mouth", "lpips_mouth")
    videos = [[name, *(entry[key] for key in keys)] for name, figure in figures.items() for entry in figure["videos"]]
    return ["Motion stream, mouth region:\n", table(motion, rows), "Video, the same frames:\n", table(video, videos)]
