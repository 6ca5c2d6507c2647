"""All metrics of a server: names, help texts, buckets."""

from collections import Counter as Totals

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from realtime.engine import BATCHES

STAGE_BUCKETS_MS = (0.2, 0.5, 1, 2, 5, 10, 20, 30, 40, 80, 160)
SKEW_BUCKETS_MS = (-80, -40, -20, -10, -5, 0, 5, 10, 20, 40, 80)
FRAME_BUCKETS_MS = (2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 400)


class Metrics:
    """One registry a server, so that two can live in one process. STAGES: from sound to picture (frame_stages.py)."""

    STAGES = ("ingest_wait", "features", "batch_wait", "inference", "drawing_wait", "composite", "encode", "send")

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # processor time, memory, open files
        self.sessions = Gauge("facewire_sessions", "Calls that are going on.", registry=self.registry)
        self.viewers = Gauge("facewire_viewers", "Clients that watch somebody else's call.", registry=self.registry)
        self.rooms = Gauge("facewire_rooms", "Rooms that are open.", registry=self.registry)
        self.started = Counter(
            "facewire_sessions_started", "Calls, and clients that watch one, that reached `connected`.", registry=self.registry
        )
        self.refused = Counter("facewire_refusals", "Requests refused, by reason.", ["reason"], registry=self.registry)
        self.ended = Counter(
            "facewire_sessions_ended",
            "Calls, and clients that watched one, that ended, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.frames = Counter("facewire_frames", "Pictures by fate: shown, repeated, dropped.", ["fate"], registry=self.registry)
        self.lost = Counter(
            "facewire_frames_lost",
            "Pictures never sent, by cause: engine (not drawn in time), drawing (drawn too late), backlog (the engine took no "
            "more), network (not taken for half a second).",
            ["cause"],
            registry=self.registry,
        )
        self.headroom = Gauge("facewire_headroom_sessions", "Calls that there is room for, as measured.", registry=self.registry)
        self.busy = Gauge("facewire_busy_ratio", "Share used of what runs out first.", ["resource"], registry=self.registry)
        self.totals = Totals[str]()  # pictures shown, lost
        self.draw_ms = Histogram(
            "facewire_draw_ms",
            "From the sound that completed a frame's window to the encoded picture, in milliseconds.",
            buckets=FRAME_BUCKETS_MS,
            registry=self.registry,
        )
        self.stage_ms = Histogram(
            "facewire_stage_ms",
            "What each stage of a picture takes, in milliseconds; ingest_wait and features: of 20 ms of sound.",
            ["stage"],
            buckets=STAGE_BUCKETS_MS,
            registry=self.registry,
        )
        self.batch = Histogram(
            "facewire_batch_windows", "Windows that a picture was drawn together with.", buckets=BATCHES, registry=self.registry
        )
        self.skew_ms = Histogram(
            "facewire_skew_ms",
            "How much later than its voice a picture leaves, beyond what the schedule has between them, in milliseconds.",
            buckets=SKEW_BUCKETS_MS,
            registry=self.registry,
        )
        self.margin_ms = Histogram(
            "facewire_margin_ms",
            "How long an encoded picture waited for its moment, in milliseconds; 0 is too late.",
            buckets=FRAME_BUCKETS_MS,
            registry=self.registry,
        )
        self.missing_ms = Counter(
            "facewire_ingest_missing_ms", "Microphone sound that was not there in time, in milliseconds.", registry=self.registry
        )
        self.future_ms = Gauge(
            "facewire_future_audio_ms", "Future audio that a picture waits for, by the model.", registry=self.registry
        )
        self.delay_ms = Gauge(
            "facewire_delay_ms", "From what was spoken to its picture leaving, by the schedule.", registry=self.registry
        )

    def picture_fates(self, counts: dict[str, int], lost: dict[str, int]) -> None:
        """What became of pictures since the last time: by fate, and of those that were lost, by cause."""
        for fate, more in counts.items():
            self.frames.labels(fate).inc(more)
        for cause, more in lost.items():
            self.lost.labels(cause).inc(more)
        self.totals["shown"] += counts["shown"]
        self.totals["lost"] += sum(lost.values())
