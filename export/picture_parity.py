"""The gate of exports that round: what a viewer sees must be what the generator in float64 would have shown."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export import parity
from export.material import Stream
from realtime.alignment import MOUTH_BOX
from realtime.compositor import Compositor
from realtime.errors import ModelError
from realtime.face_landmarks import FaceLandmarker, FaceTracker
from realtime.portrait import Portrait
from realtime.runners.runner import Arrays, Runner
from training.evaluation.lips import detail, detail_correlation, lip_motion

PSNR_LIMIT_DB = 40.0  # of the worst frame, over the mouth's box alone
OPENING_LIMIT = 0.99  # detail correlation of the lip opening over a whole stream
SPEAKING_FRAMES = 60  # of a stream whose lips are followed
MOVING = 0.005  # spread of the opening's detail, in eye distances: below it the landmarker's own tremble is all there is

Frames = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class PictureParity:
    """psnr_db: of the worst frame; mean_psnr_db: of all; opening: the lowest correlation of any stream, None where the
    generator moves no lips; worst: which frame."""

    psnr_db: float
    mean_psnr_db: float
    opening: float | None
    worst: str
    frames: int

    def figures(self) -> dict[str, float | int | str | None]:
        return asdict(self)


class Viewer:
    """The float64 pictures of the streams, made once, and what an export's pictures are against them."""

    def __init__(self, reference: list[Arrays], streams: list[Stream], head: str) -> None:
        self._streams, self._head = streams, head
        self._landmarker = FaceLandmarker()
        self._mouths = [_mouth_of(stream.portrait) for stream in streams]
        self._pictures = [self._compose(stream, outputs) for stream, outputs in zip(streams, reference, strict=True)]
        self._openings = [self._opening(frames) for frames in self._pictures]

    def compare(self, runner: Runner, batch: int) -> PictureParity:
        """Every stream's first pass through the batch (`parity.play`)."""
        psnr: dict[tuple[int, int], float] = {}
        drawn: list[dict[int, Arrays]] = [{} for _ in self._streams]
        for one in parity.play(runner, self._streams, batch):
            drawn[one.stream].setdefault(one.frame, one.outputs)
        openings = []
        for index, (stream, frames) in enumerate(zip(self._streams, drawn, strict=True)):
            if len(frames) < len(stream):
                continue  # no row of so small a batch played it
            stacked = {name: np.stack([frames[i][name] for i in range(len(stream))]) for name in frames[0]}
            pictures = self._compose(stream, stacked)
            psnr |= {(index, i): value for i, value in enumerate(self._psnr(index, pictures))}
            wanted, found = self._openings[index], self._opening(pictures)
            if wanted is not None:
                openings.append(0.0 if found is None else detail_correlation(found, wanted))
        (stream_index, frame), worst = min(psnr.items(), key=lambda item: item[1])
        return PictureParity(
            psnr_db=round(worst, 2),
            mean_psnr_db=round(float(np.mean(list(psnr.values()))), 2),
            opening=round(min(openings), 5) if openings else None,
            worst=f"frame {frame} of {len(self._streams[stream_index])}, {self._streams[stream_index].name}, batch {batch}",
            frames=len(psnr),
        )

    def _compose(self, stream: Stream, outputs: Arrays) -> Frames:
        compositor = Compositor(stream.portrait, self._head)  # type: ignore[arg-type]
        frames = [{name: value[i].astype(np.float32) for name, value in outputs.items()} for i in range(len(stream))]
        return np.stack([compositor.compose(frame, 1.0) for frame in frames])

    def _psnr(self, index: int, pictures: Frames) -> list[float]:
        rows, columns = self._mouths[index]
        pairs = zip(pictures, self._pictures[index], strict=True)
        return [_psnr(found[rows, columns], wanted[rows, columns]) for found, wanted in pairs]

    def _opening(self, frames: Frames) -> NDArray[np.float64] | None:
        """The lips' opening as a landmarker sees it; None of a stream too short to follow, without a face, or without motion."""
        if len(frames) < SPEAKING_FRAMES:
            return None
        tracker = FaceTracker(self._landmarker)
        tracked = [tracker.track(frame) for frame in frames]
        if any(landmarks is None for landmarks in tracked):
            return None
        opening = lip_motion(np.stack([landmarks for landmarks in tracked if landmarks is not None])).opening
        return opening if detail(opening).std() > MOVING else None


def demand(found: PictureParity, precision: str, folder: Path) -> None:
    """Raises ModelError where the pictures stray."""
    opening = 1.0 if found.opening is None else found.opening
    if not (found.psnr_db >= PSNR_LIMIT_DB and opening >= OPENING_LIMIT):
        raise ModelError(
            f"in {precision} the export shows another mouth than the generator (PSNR {found.psnr_db:.1f} dB at {found.worst}, at "
            f"least {PSNR_LIMIT_DB:g} was expected; correlation of the lip opening {opening:.4f}, at least "
            f"{OPENING_LIMIT:g} was expected; {found.frames} frames): {folder} was not written"
        )


def _mouth_of(portrait: Portrait) -> tuple[slice, slice]:
    """Rows and columns of a picture that hold the mouth's box."""
    x0, y0, x1, y1 = MOUTH_BOX
    corners = np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]) @ portrait.crop_to_image[:, :2].T + portrait.crop_to_image[:, 2]
    (left, top), (right, bottom) = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return slice(max(0, top), bottom), slice(max(0, left), right)


def _psnr(found: Frames, wanted: Frames) -> float:
    """Decibels of 8-bit pictures; 99 of equal ones."""
    error = float(np.mean((found.astype(np.float64) - wanted) ** 2))
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))
