"""The whole flow for one session, on one screen.

packets → 16 kHz mono → voice activity ─┬→ MFCC hops → windows → engine (batched with other sessions) → compositor → frames
                                        └→ mouth gate ───────────────────────────────────────────────────┘
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.answers import answer
from realtime.audio import MonoResampler
from realtime.batching import FaceMotion, StepTimes
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
    where no picture was wanted; layers: what it is composed of; step, composing_s, composed_s: when it was drawn and composed, on
    the engine's clock."""

    index: int
    pts_ms: int
    image: NDArray[np.uint8]
    layers: FaceLayers
    step: StepTimes
    composing_s: float
    composed_s: float


class Pipeline:
    """One person's voice and one portrait. Sound goes in as it comes, in any portions; frames come out as futures, in order.

    Frames are composed on `executor`, or on the engine's worker where there is none. `needed_s(index)` tells when the engine is
    to be through with a frame, on its clock (None: as soon as possible). `wanted(index)` is asked right before a frame is
    composed; one that is not wanted any more is left out. `pictured()` is asked then too: where it says no, a frame
    has its layers alone, and no picture is composed.
    """

    def __init__(
        self,
        portrait: Portrait,
        engine: Engine,
        executor: Executor | None = None,
        wanted: Callable[[int], bool] = lambda _: True,
        pictured: Callable[[], bool] = lambda: True,
        needed_s: Callable[[int], float | None] = lambda _: None,
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
        self._wanted, self.pictured, self._needed_s = wanted, pictured, needed_s
        self._portrait, self._clock = portrait, engine.clock
        self._voiced: deque[tuple[int, bool]] = deque()  # frame and voice, of those that are on their way, oldest first
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

    @property
    def left_out(self) -> int:
        """Frames that the engine could not draw in time, in all."""
        return self._session.left_out

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
        with self._order:
            self._voiced.append((window.index, window.voiced))
        return self._rendered(self._session.submit(window, self._needed_s(window.index - self._lookahead)))

    def _rendered(self, moved: Future[list[FaceMotion]]) -> Future[list[RenderedFrame]]:
        """The engine's future, composed."""
        done: Future[list[RenderedFrame]] = Future()

        def compose(motions: list[FaceMotion], openness: list[float]) -> None:
            try:
                pairs = zip(motions, openness, strict=True)
                answer(done, [self._compose(motion, how_far) for motion, how_far in pairs if self._wanted(motion.index)])
            except Exception as error:
                answer(done, error)

        def when_moved(moved: Future[list[FaceMotion]]) -> None:
            if moved.cancelled():
                done.cancel()
            elif (error := moved.exception()) is not None:
                answer(done, error)
            else:
                motions = moved.result()
                openness = [self._open_mouth(motion.index) for motion in motions]
                if self._executor is None:
                    compose(motions, openness)
                else:
                    self._executor.submit(compose, motions, openness)

        moved.add_done_callback(when_moved)
        return done

    def _open_mouth(self, index: int) -> float:
        """The gate at a frame: it opens for any voice that is known of by now, which is `future_ms` ahead. Frames before it that
        were left out move it too."""
        with self._order:
            openness = 0.0
            while self._voiced and self._voiced[0][0] <= index:
                openness = self._gate.push(any(voiced for _, voiced in itertools.islice(self._voiced, 1 + self._lookahead)))
                self._voiced.popleft()
            return openness

    def _compose(self, motion: FaceMotion, openness: float) -> RenderedFrame:
        composing_s = self._clock.now()
        layers = self._compositor.layers(motion.outputs, openness)
        moves = openness > 0 and self.pictured()
        image = self._compositor.draw(layers) if moves else self._portrait.image.copy()
        return RenderedFrame(
            index=motion.index,
            pts_ms=motion.index * FRAME_MS,
            image=image,
            layers=layers,
            step=motion.times,
            composing_s=composing_s,
            composed_s=self._clock.now(),
        )
