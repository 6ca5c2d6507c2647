"""`facewire bench encode`: what a picture costs in each codec at each rate, and what is left of it: ms, kbit/s, PSNR and SSIM.

The pictures are those of a call: shipped portraits that speak. Times are of one thread, from BGR to packets; the decoder that
shows what arrives is not in them. A stream's first second is judged apart: the keyframe is on its way.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.audio import read_audio_file
from realtime.engine import Engine
from realtime.errors import ConfigError
from realtime.model_spec import FRAME_MS
from realtime.portrait import prepare_portrait
from realtime.render import render_frames
from realtime.runners.runner import load_runner
from realtime.weights import default_model
from server.bench.call_delay import Box, mouth_box
from server.bench.picture_quality import Quality
from server.bench.progress import tell
from server.bench.record import Figures, Report, summary, table
from server.bench.video_codecs import VideoTrial
from server.bench.wire import kbps, video_bytes
from server.portraits import SHIPPED

CODECS = ("vp8", "h264")
RATES_KBPS = (60, 120, 250, 500, 1000)
JUDGED_EVERY = 4  # frames
SETTLING_FRAMES = 25
Picture = NDArray[np.uint8]


def run(*, model: Path | None, size: int, speech: Path, seconds: float, portraits: Sequence[str]) -> Report:
    """portraits: ids of the gallery.

    Raises AudioError, ModelError, ConfigError where no portrait has such an id.
    """
    entries = {entry["id"]: entry for entry in json.loads((SHIPPED / "portraits.json").read_text())}
    if unknown := [name for name in portraits if name not in entries]:
        raise ConfigError(f"no portrait {', '.join(unknown)} comes with the program: {', '.join(entries)} do")
    pcm, figures = read_audio_file(speech), {}
    with Engine(load_runner(model or default_model())) as engine:
        for name in portraits:
            portrait = prepare_portrait((SHIPPED / Path(entries[name]["image"]).name).read_bytes(), size)
            pictures = [frame.image for frame in render_frames(portrait, pcm[: int(16 * 1000 * seconds)], engine)]
            figures[name] = measure(pictures, mouth_box(portrait))
    spec = engine.spec
    configuration = {"model": f"{spec.system}/{spec.preset}", "size": size, "speech": speech.name, "seconds": seconds}
    title = f"Encoding a speaking face: {spec.system}/{spec.preset}, {size} px"
    return title, {"configuration": configuration, "portraits": figures}, _tables(figures)


def measure(pictures: Sequence[Picture], box: Box, rates_kbps: Sequence[int] = RATES_KBPS) -> list[Figures]:
    """Every codec at every rate over the same pictures (BGR [S, S, 3]); box: of the mouth."""
    return [_stream(codec, rate, pictures, box) for codec in CODECS for rate in rates_kbps]


def _stream(codec: str, rate_kbps: int, pictures: Sequence[Picture], box: Box) -> Figures:
    tell(f"{codec} at {rate_kbps} kbit/s")
    x, y, width, height = box
    trial, whole, mouth = VideoTrial(codec, pictures[0].shape[0], 1000 * rate_kbps), Quality(), Quality()
    sizes = []
    for index, picture in enumerate(pictures):
        shown, size = trial.push(picture, index)
        sizes.append(size)
        if index >= SETTLING_FRAMES and index % JUDGED_EVERY == 0:
            whole.add(shown, picture)
            mouth.add(shown[y : y + height, x : x + width], picture[y : y + height, x : x + width])
    settled = sizes[SETTLING_FRAMES:]
    judged = whole.figures()
    return {
        "codec": codec,
        "asked_kbps": rate_kbps,
        "kbps": kbps(sum(settled), len(settled) * FRAME_MS / 1000),
        "wire_kbps": kbps(sum(map(video_bytes, settled)), len(settled) * FRAME_MS / 1000),
        "keyframe_bytes": sizes[0],
        "encode_ms": summary(trial.encode_ms[1:]),
        "psnr": judged["psnr_mouth"],
        "ssim": judged["ssim_mouth"],
        **mouth.figures(),
    }


def _tables(figures: dict[str, list[Figures]]) -> list[str]:
    headings = (
        "codec",
        "asked",
        "kbit/s",
        "on the wire",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "PSNR",
        "SSIM",
        "mouth PSNR",
        "mouth SSIM",
    )
    parts = []
    for name, streams in figures.items():
        rows = []
        for stream in streams:
            times = stream["encode_ms"]
            row = (stream["codec"], stream["asked_kbps"], stream["kbps"], stream["wire_kbps"], times["p50"], times["p95"])
            rows.append((*row, times["p99"], *(stream[key] for key in ("psnr", "ssim", "psnr_mouth", "ssim_mouth"))))
        parts += [f"## {name}\n", table(headings, rows)]
    return parts
