"""One call as spans: its phases, and one picture a second with all of its stages. Loaded only where traces are wanted.

call ─┬ offer ┬ connect ┬ first_picture           from the request to the answer, to `connected`, to the first picture sent
      └ frame ┬ ingest_wait ┬ features ┬ batch_wait ┬ inference ┬ drawing_wait ┬ composite ┬ encode ┬ send       of 25
"""

import time
from collections import deque
from dataclasses import dataclass

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from realtime.clock import Clock
from realtime.pipeline import RenderedFrame

SAMPLED = 25  # frames of which one is followed
MOST_WAITING = 8  # followed frames that were not sent yet
REGULAR = ("client_ended", "connection_lost", "peer_silent", "shutdown")
"""Endings that are no fault of the server's."""


@dataclass(frozen=True, kw_only=True)
class FollowedFrame:
    """A picture that is ready and has not left. arrived_s: the newest packet that it heard; heard_s: when that was read; the rest
    and the frame's own times are the engine's clock's too."""

    frame: RenderedFrame
    arrived_s: float
    heard_s: float
    encoded_s: float


class CallTrace:
    """From the request, at `begun_s` on the engine's clock, to the call's end. Its methods belong to the event loop."""

    def __init__(self, tracer: Tracer, clock: Clock, begun_s: float, **attributes: int) -> None:
        self._tracer, self._clock = tracer, clock
        self._epoch_ns = time.time_ns() - round(1e9 * clock.now())
        named = {f"facewire.{name}": value for name, value in attributes.items()}
        self._call = tracer.start_span("call", kind=SpanKind.SERVER, start_time=self._ns(begun_s), attributes=named)
        self._within = set_span_in_context(self._call)
        self._phase: Span | None = self._begin("offer", begun_s)
        self._followed: deque[FollowedFrame] = deque(maxlen=MOST_WAITING)
        self._seen = False

    def name(self, call: str) -> None:
        """As it is called in the log."""
        self._call.set_attribute("facewire.call", call)

    def answered(self) -> None:
        self._next("connect")

    def connected(self) -> None:
        self._next("first_picture")

    def encoded(self, frame: RenderedFrame, arrived_s: float, heard_s: float, encoded_s: float) -> None:
        """A picture is ready."""
        if frame.index % SAMPLED == 0:
            self._followed.append(FollowedFrame(frame=frame, arrived_s=arrived_s, heard_s=heard_s, encoded_s=encoded_s))

    def sent(self, media_ms: float, late_s: float) -> None:
        """The picture of a media time leaves, so long after its moment."""
        if not self._seen:
            self._seen = True
            self._next(None)
        while self._followed and self._followed[0].frame.pts_ms <= media_ms:
            followed = self._followed.popleft()
            if followed.frame.pts_ms == media_ms:
                self._tell(followed, self._clock.now(), late_s)

    def ended(self, reason: str) -> None:
        self._next(None)
        self._call.set_attribute("facewire.ending", reason)
        if reason not in REGULAR:
            self._call.set_status(Status(StatusCode.ERROR, reason))
        self._call.end()

    def _tell(self, followed: FollowedFrame, sent_s: float, late_s: float) -> None:
        """The frame and its stages, each from the end of the one before it; `send` begins at its moment, or when it is ready."""
        frame, step = followed.frame, followed.frame.step
        attributes = {"facewire.frame": frame.index, "facewire.batch": step.batch, "facewire.late_ms": round(1000 * late_s, 2)}
        span = self._begin("frame", followed.arrived_s)
        span.set_attributes(attributes)
        within = set_span_in_context(span)
        for name, from_s, to_s in (
            ("ingest_wait", followed.arrived_s, followed.heard_s),
            ("features", followed.heard_s, step.submitted_s),
            ("batch_wait", step.submitted_s, step.begun_s),
            ("inference", step.begun_s, step.done_s),
            ("drawing_wait", step.done_s, frame.composing_s),
            ("composite", frame.composing_s, frame.composed_s),
            ("encode", frame.composed_s, followed.encoded_s),
            ("send", max(followed.encoded_s, sent_s - late_s), sent_s),
        ):
            self._tracer.start_span(name, within, start_time=self._ns(from_s)).end(self._ns(to_s))
        span.end(self._ns(sent_s))

    def _next(self, phase: str | None) -> None:
        """The phase ends, and another begins."""
        now_s = self._clock.now()
        if self._phase is not None:
            self._phase.end(self._ns(now_s))
        self._phase = self._begin(phase, now_s) if phase else None

    def _begin(self, name: str, at_s: float) -> Span:
        return self._tracer.start_span(name, self._within, start_time=self._ns(at_s))

    def _ns(self, clock_s: float) -> int:
        """Unix time."""
        return self._epoch_ns + round(1e9 * clock_s)
