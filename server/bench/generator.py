"""`facewire bench generator`: what one video frame costs, stage by stage, and how many calls a core carries.

The stages are those of a call, run one after another on one thread, on recorded or synthetic speech. Times on the wall are
percentiles; the sum is built from processor time, which other programs on the machine disturb less.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from realtime.audio import MonoResampler
from realtime.compositor import Compositor
from realtime.engine import BATCHES
from realtime.features.mfcc import StreamingMfcc
from realtime.features.windows import Window, WindowSlicer
from realtime.model_spec import FRAME_MS
from realtime.portrait import Portrait
from realtime.runners.floor import Floor
from realtime.runners.runner import FOREVER, Arrays, Runner
from realtime.voice_activity import VoiceActivity
from server.bench.progress import tell
from server.bench.record import Figures, summary, table
from server.encoders import AUDIO_RATE_HZ, OpusEncoder, Vp8Encoder
from server.strand import one_thread_a_picture

PACKETS_A_FRAME = 2
PACKET = AUDIO_RATE_HZ // 50
WARM_UP = 5  # calls of a stage that are not counted

Result = TypeVar("Result")


@dataclass(kw_only=True)
class Stage:
    """wall_ms: each call's time; processor_ms: all calls together; a_frame: calls for one frame of one session."""

    name: str
    a_frame: float = 1.0
    wall_ms: list[float] = field(default_factory=list)
    processor_ms: float = 0.0
    _skipped: int = 0

    def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Measures one call; the first ones only warm up."""
        wall, processor = time.perf_counter(), time.process_time()
        result = work(*arguments)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        if self._skipped < WARM_UP:
            self._skipped += 1
        else:
            self.wall_ms.append(1000 * wall)
            self.processor_ms += 1000 * processor
        return result

    @property
    def frame_ms(self) -> float:
        """Processor time for one frame of one session."""
        return self.a_frame * self.processor_ms / len(self.wall_ms)

    def figures(self) -> Figures:
        return {"wall_ms": summary(self.wall_ms), "processor_ms_a_frame": round(self.frame_ms, 3)}


def measure(runner: Runner, portrait: Portrait, pcm: NDArray[np.int16]) -> list[Stage]:
    """Every stage over speech [n] (48 kHz)."""
    one_thread_a_picture()
    tell("features")
    features, windows = _features(runner, pcm)
    prepare = Stage(name="prepare a portrait", a_frame=0)
    for _ in range(WARM_UP + 10):
        identity = prepare.run(runner.prepare, portrait.crop)
    steps, outputs = [], []
    for batch in BATCHES:
        tell(f"the generator at batch {batch}")
        runner.compile(batch)
        stage = Stage(name=f"generator, batch {batch}", a_frame=1 / batch)
        outputs = _steps(runner, stage, identity, windows, batch)
        steps.append(stage)
    compose, vp8 = _pictures(runner, portrait, outputs)
    return [prepare, features, *steps, compose, vp8, _opus(pcm)]


def sessions_a_core(stages: list[Stage], batch: int) -> float:
    """How many calls one core carries before any network, with the generator at a batch size."""
    other = sum(stage.frame_ms for stage in stages if not stage.name.startswith("generator"))
    step = next(stage.frame_ms for stage in stages if stage.name == f"generator, batch {batch}")
    return FRAME_MS / (other + step)


def report(stages: list[Stage], floor: Floor | None) -> tuple[Figures, list[str]]:
    """Figures and tables of a record. floor: of the generator's step, where its runner's graph can be counted."""
    capacity = {batch: round(sessions_a_core(stages, batch), 1) for batch in BATCHES}
    figures = {"stages": {stage.name: stage.figures() for stage in stages}, "sessions_a_core": capacity}
    rows = []
    for stage in stages:
        wall = summary(stage.wall_ms)
        rows.append((stage.name, wall["p50"], wall["p95"], wall["p99"], round(stage.frame_ms, 2) if stage.a_frame else None))
    costs = table(("stage", "p50 ms", "p95 ms", "p99 ms", "processor ms a frame and session"), rows)
    places = table(("generator's batch", "sessions a core"), list(capacity.items()))
    note = "Sessions a core: 40 ms over the last column's sum, before any network (aiortc takes 6 to 8 % of a core a session).\n"
    if floor is None:
        return figures, [costs, note, places]
    steps, against = _against(stages, floor)
    return {**figures, "floor": {**vars(floor), "steps": steps}}, [costs, note, places, *against]


def _against(stages: list[Stage], floor: Floor) -> tuple[list[Figures], list[str]]:
    """The step at each batch size beside the least that it could take."""
    figures = []
    for batch in BATCHES:
        step = summary(next(stage.wall_ms for stage in stages if stage.name == f"generator, batch {batch}"))
        least = floor.ms(batch)
        figures.append(
            {"batch": batch, "step_ms": step["p50"], "floor_ms": round(least, 3), "of_the_floor": round(step["p50"] / least, 1)}
        )
    note = (
        f"The floor: {floor.flops / 1e9:.3f} GFLOP and {floor.session_bytes / 1e3:.0f} kB a session, counted from the graph, and "
        f"{floor.weight_bytes / 1e6:.1f} MB of weights a step, at {floor.flops_per_s / 1e9:.0f} GFLOP/s (a matrix product of the "
        f"step's precision on one thread) and {floor.bytes_per_s / 1e9:.0f} GB/s (a copy), measured here.\n"
    )
    return figures, [
        table(("batch", "step p50 ms", "floor ms", "times the floor"), [tuple(one.values()) for one in figures]),
        note,
    ]


def _features(runner: Runner, pcm: NDArray[np.int16]) -> tuple[Stage, list[Window]]:
    stage = Stage(name="features, 20 ms of sound", a_frame=PACKETS_A_FRAME)
    resampler, voice, mfcc = MonoResampler(), VoiceActivity(), StreamingMfcc()
    slicer = WindowSlicer(runner.spec.window_offset_hops)
    windows: list[Window] = []

    def hear(packet: NDArray[np.int16]) -> list[Window]:
        sound = resampler.push(packet, AUDIO_RATE_HZ)
        voice.push(sound)
        hops = mfcc.push(sound)
        return slicer.push(hops, [True] * len(hops))

    for start in range(0, len(pcm) - PACKET, PACKET):
        windows += stage.run(hear, pcm[start : start + PACKET])
    return stage, windows


def _steps(runner: Runner, stage: Stage, identity: Arrays, windows: list[Window], batch: int) -> list[Arrays]:
    state = runner.initial_state(batch)
    ends = np.full(batch, FOREVER, np.int64)
    identities = {name: np.repeat(value, batch, axis=0) for name, value in identity.items()}
    kept: list[Arrays] = []
    for window in windows:
        stacked = np.repeat(window.mfcc[None], batch, axis=0)
        out, state = stage.run(runner.step, identities, stacked, ends, state)
        kept.append({name: value[0] for name, value in out.items()})
    return kept


def _pictures(runner: Runner, portrait: Portrait, outputs: list[Arrays]) -> tuple[Stage, Stage]:
    size = portrait.image.shape[0]
    compose, vp8 = Stage(name=f"compose, {size} px"), Stage(name=f"VP8, {size} px")
    compositor, encoder = Compositor(portrait, runner.spec.head), Vp8Encoder(size)
    for index, output in enumerate(outputs):
        image = compose.run(compositor.compose, output, 1.0)
        vp8.run(encoder.encode, image, index * FRAME_MS)
    return compose, vp8


def _opus(pcm: NDArray[np.int16]) -> Stage:
    stage, encoder = Stage(name="Opus, 20 ms of sound", a_frame=PACKETS_A_FRAME), OpusEncoder()
    for start in range(0, len(pcm) - PACKET, PACKET):
        stage.run(encoder.encode, pcm[start : start + PACKET], start)
    return stage
