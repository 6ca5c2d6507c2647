"""How long the stages of one call's pictures take: for the metrics, and for the engine, which leaves time for what follows.

sound → (ingest_wait) → features → (batch_wait) → inference → (drawing_wait) → composite → encode → its moment → send
"""

from typing import TYPE_CHECKING

from realtime.pipeline import RenderedFrame
from server.metrics import Metrics

if TYPE_CHECKING:
    from server.call_trace import CallTrace

LEARNING_RATE = 0.1
LEAST_S, MOST_S = 0.004, 0.025  # what is kept for drawing and encoding; more would leave no time to wait for other sessions


class FrameStages:
    """One call's. Written on the event loop; `reserve_s` may be read anywhere. trace: is told too, where one is wanted."""

    def __init__(self, metrics: Metrics) -> None:
        self._stages = {stage: metrics.stage_ms.labels(stage) for stage in metrics.STAGES}
        self._batch, self._skew = metrics.batch, metrics.skew_ms
        self._voice_late_s = 0.0
        self._ingest_wait_s = 0.0
        self.trace: CallTrace | None = None
        self._mean_s, self._deviation_s = MOST_S / 2, MOST_S / 4

    @property
    def reserve_s(self) -> float:
        """How long before a frame leaves the engine is to be through with it."""
        return min(MOST_S, max(LEAST_S, self._mean_s + 2 * self._deviation_s))

    def arrived(self, wait_s: float) -> None:
        """A packet of the microphone will be read so long after it came."""
        self._ingest_wait_s = max(0.0, wait_s)
        self._stages["ingest_wait"].observe(1000 * self._ingest_wait_s)

    def heard(self, seconds: float) -> None:
        """Features of 20 ms of sound took so long."""
        self._stages["features"].observe(1000 * seconds)

    def voice_sent(self, _media_ms: float, late_s: float) -> None:
        """20 ms of voice leave, so long after their moment."""
        self._voice_late_s = late_s

    def picture_sent(self, media_ms: float, late_s: float) -> None:
        """A picture leaves, so long after its moment, which is LEAD_MS after its voice's."""
        self._stages["send"].observe(1000 * late_s)
        self._skew.observe(1000 * (late_s - self._voice_late_s))
        if self.trace is not None:
            self.trace.sent(media_ms, late_s)

    def encoded(self, frame: RenderedFrame, heard_s: float, encoded_s: float) -> None:
        """A frame is ready to be sent. heard_s: when the sound that completed its window was read."""
        step = frame.step
        for stage, seconds in (
            ("batch_wait", step.begun_s - step.submitted_s),
            ("inference", step.done_s - step.begun_s),
            ("drawing_wait", frame.composing_s - step.done_s),
            ("composite", frame.composed_s - frame.composing_s),
            ("encode", encoded_s - frame.composed_s),
        ):
            self._stages[stage].observe(1000 * seconds)
        self._batch.observe(step.batch)
        if self.trace is not None:
            self.trace.encoded(frame, heard_s - self._ingest_wait_s, heard_s, encoded_s)
        drawing_s = encoded_s - step.done_s
        self._deviation_s += LEARNING_RATE * (abs(drawing_s - self._mean_s) - self._deviation_s)
        self._mean_s += LEARNING_RATE * (drawing_s - self._mean_s)
