"""What each rung of the ladder shows, against the server's own render: the mouth of one portrait that speaks, as a listener on
that rung sees it on a page of the full size. Nothing is lost on the way, and no time passes: the rest: `ladder.py`.
"""

import cv2
import numpy as np

from realtime.model_spec import FRAME_MS
from server.bench.picture_quality import Quality
from server.bench.record import Figures, table
from server.bench.subject import JUDGED_EVERY, SETTLING_FRAMES, Picture, Subject
from server.bench.video_codecs import Decoder
from server.bench.wire import kbps, video_bytes
from server.ladder import ROOM_BPS, Rung
from server.picture_codec import PictureCodec
from server.picture_rungs import Kind, PictureRungs

START_KBPS = {Rung.FULL: 700}  # what it begins with, and keeps on a line that takes it; the others: what they are climbed to with


def measure(subject: Subject, motion: Figures, at_rest: Figures) -> Figures:
    """Figures by rung. motion: of the stream on the preview, as `bitrate` has them; at_rest: the portrait's."""
    side = subject.portrait.image.shape[0]
    videos = {rung.name.lower(): _video(subject, rung) for rung in PictureRungs(side).rungs}
    of_motion = {**motion["on_preview"], "wire_kbps": motion["wire_kbps"]}
    return {**videos, "motion": of_motion, "voice": {**at_rest, "wire_kbps": 0.0}}


def tables(figures: Figures) -> list[str]:
    """The figures as Markdown."""
    rows = [[rung, found["wire_kbps"], found["psnr_mouth"], found["ssim_mouth"]] for rung, found in figures.items()]
    return ["What each rung shows, mouth region:\n", table(["rung", "picture, wire kbit/s", "PSNR", "SSIM"], rows)]


def _video(subject: Subject, rung: Rung) -> Figures:
    """VP8, by the server's own encoder of that rung; a picture stands until the next one."""
    side = subject.portrait.image.shape[0]
    kind, pictures, decoder, quality = Kind(PictureCodec.VP8, rung), PictureRungs(side), Decoder("vp8"), Quality()
    pictures.limit(kind, 1000 * START_KBPS[rung] if rung in START_KBPS else ROOM_BPS[rung])
    shown: Picture = subject.portrait.image
    n_bytes = 0
    for index, layers in enumerate(subject.layers):
        picture = subject.compositor.draw(layers)
        packet = pictures.encode(picture, index * FRAME_MS, [kind]).get(kind)
        if packet is not None and packet.size:
            n_bytes += video_bytes(packet.size)
            shown = decoder.decode(bytes(packet))
        if index % JUDGED_EVERY == 0 and index >= SETTLING_FRAMES:
            seen = np.asarray(cv2.resize(shown, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
            subject.judge(quality, seen, subject.mouth(picture))
    return {"wire_kbps": kbps(n_bytes, subject.seconds), **quality.figures()}
