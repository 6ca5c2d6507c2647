"""The whole flow for one session, on one screen.

packets → 16 kHz mono → voice activity ─┬→ MFCC hops → windows → engine (batched with other sessions) → compositor → frames
                                        └→ mouth gate ───────────────────────────────────────────────────┘
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.audio import MonoResampler
from realtime.batching import FaceMotion
from realtime.compositor import Compositor
from realtime.engine import Engine
from realtime.features.mfcc import StreamingMfcc
from realtime.features.windows import Window, WindowSlicer
from realtime.layers import FaceLayers
from realtime.model_spec import FRAME_MS
from realtime.mouth_gate import MouthGate
from realtime.portrait import Portrait
from realtime.voice_activity import VoiceActivity

FRAME_SAMPLES = 640  # at 16 kHz


@dataclass(frozen=True, kw_only=True)
class RenderedFrame:
    """index: video frame; pts_ms: its media time, on the sound's own timeline; image uint8 [S, S, 3] BGR, the portrait at rest
    where no picture was wanted; layers: what it is composed of."""

    index: int
    pts_ms: int
    image: NDArray[np.uint8]
    layers: FaceLayers


class Pipeline:
    """One person's voice and one portrait. Sound goes in as it comes, in any portions; frames come out as futures, in order.

    Frames are composed on `executor`, or on the engine's worker where there is none. `wanted(index)` is asked right before a
    frame is composed; one that is not wanted any more is left out. `pictured()` is asked then too: where it says no, a frame
    has its layers alone, and no picture is composed.
    """

    def __init__(
        self,
        portrait: Portrait,
        engine: Engine,
        executor: Executor | None = None,
        wanted: Callable[[int], bool] = lambda _: True,
        pictured: Callable[[], bool] = lambda: True,
    ) -> None:
        self._resampler = MonoResampler()
        self._voice_activity = VoiceActivity()
        self._mfcc = StreamingMfcc()
        self._windows = WindowSlicer(engine.spec.window_offset_hops)
        self._gate = MouthGate()
        self._session = engine.open(portrait.crop)
        self._compositor = Compositor(portrait, engine.spec.head)
        self._order = threading.Lock()
        self._lookahead = engine.spec.lookahead_frames
        self._decisions: deque[bool] = deque()
        self._executor = executor
        self._wanted, self.pictured = wanted, pictured
        self._portrait = portrait
        self._voiced: deque[bool] = deque()  # of the frames that are on their way, oldest first
        self._samples = 0

    def push(self, pcm: NDArray[np.int16], sample_rate: int) -> list[Future[list[RenderedFrame]]]:
        """Sound [n], mono → a future for each frame whose window it completed; each holds the frames now drawn: none or one.

        Raises CapacityError where the engine is so far behind that it takes no more; the caller drops these frames.
        """
        return self._hear(self._resampler.push(pcm, sample_rate))

    def finish(self) -> list[Future[list[RenderedFrame]]]:
        """No more sound: the frames that were waiting for it, drawn as if silence followed."""
        pending = self._hear(self._resampler.flush())
        rest = self._mfcc.flush()
        n_frames = -(-self._samples // FRAME_SAMPLES)
        windows = self._windows.push(rest, [False] * len(rest)) + self._windows.flush(n_frames)
        pending += [self._draw(window) for window in windows if window.index < n_frames]
        return [*pending, self._rendered(self._session.finish())]

    def close(self) -> None:
        """Leaves the engine."""
        self._session.close()

    def _hear(self, pcm: NDArray[np.int16]) -> list[Future[list[RenderedFrame]]]:
        self._samples += len(pcm)
        self._decisions.extend(self._voice_activity.push(pcm))
        hops = self._mfcc.push(pcm)  # a hop's 25 ms reach further than the 10 ms that its decision needs
        voiced = [self._decisions.popleft() for _ in hops]
        return [self._draw(window) for window in self._windows.push(hops, voiced)]

    def _draw(self, window: Window) -> Future[list[RenderedFrame]]:
        moved = self._session.submit(window)
        with self._order:
            self._voiced.append(window.voiced)
        return self._rendered(moved)

    def _rendered(self, moved: Future[list[FaceMotion]]) -> Future[list[RenderedFrame]]:
        """The engine's future, composed."""
        done: Future[list[RenderedFrame]] = Future()

        def compose(motions: list[FaceMotion], openness: list[float]) -> None:
            try:
                pairs = zip(motions, openness, strict=True)
                _answer(done, [self._compose(motion, how_far) for motion, how_far in pairs if self._wanted(motion.index)])
            except Exception as error:
                _answer(done, error)

        def when_moved(moved: Future[list[FaceMotion]]) -> None:
            if moved.cancelled():
                done.cancel()
            elif (error := moved.exception()) is not None:
                _answer(done, error)
            else:
                motions = moved.result()
                openness = [self._open_mouth() for _ in motions]
                if self._executor is None:
                    compose(motions, openness)
                else:
                    self._executor.submit(compose, motions, openness)

        moved.add_done_callback(when_moved)
        return done

    def _open_mouth(self) -> float:
        """The gate's next frame, in order: it opens for any voice that is known of by now, which is `future_ms` ahead."""
        with self._order:
            ahead = any(itertools.islice(self._voiced, 1 + self._lookahead))
            self._voiced.popleft()
            return self._gate.push(ahead)

    def _compose(self, motion: FaceMotion, openness: float) -> RenderedFrame:
        layers = self._compositor.layers(motion.outputs, openness)
        moves = openness > 0 and self.pictured()
        image = self._compositor.draw(layers) if moves else self._portrait.image.copy()
        return RenderedFrame(index=motion.index, pts_ms=motion.index * FRAME_MS, image=image, layers=layers)


def _answer(future: Future[list[RenderedFrame]], result: list[RenderedFrame] | BaseException) -> None:
    try:
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
    except InvalidStateError:
        pass  # cancelled meanwhile
