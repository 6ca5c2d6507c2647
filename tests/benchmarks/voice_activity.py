"""Voice activity and mouth gate on real speech whose word times are known: what is missed, what opens the mouth in silence.

    python -m tests.benchmarks.voice_activity ../shared/data/grid --record docs/benchmarks

The word times of GRID come from forced alignment and are early by up to 0.1 s where a word begins softly (`lay`, `place`). So the
beginning of speech is taken from the sound: the first 60 ms that stand out, from 30 ms before the aligned time on.
"""

import argparse
import shlex
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from realtime.audio import read_audio_file
from realtime.features.windows import WindowSlicer
from realtime.model_spec import FRAME_MS, HOP_MS, N_MFCC
from realtime.mouth_gate import MouthGate
from realtime.voice_activity import HOP_SAMPLES, VoiceActivity
from server.bench.record import summary, table, write_record
from training.corpora.clip import Clip
from training.corpora.grid import find_clips

SILENT = ("sil", "sp")
OFFSET_HOPS, LOOKAHEAD_FRAMES = -22, 2  # of the preset `live`
BEFORE_MS, AFTER_MS = 150, 300  # around the words: lips part before a sound, and the hang-over follows it
GRACE_MS = 30  # after a beginning of speech, from where on the mouth must be open
STANDS_OUT_HOPS = 6


@dataclass(frozen=True, kw_only=True)
class ClipFigures:
    """One clip. hit, false: share of the hops in words and in silence that were taken for speech; onset_ms: from the beginning
    of speech to the first decision for it; gate_onset: the gate 30 ms after that beginning; gate_words, gate_silence: its mean.
    """

    speaker: str
    hit: float
    false: float
    onset_ms: float
    gate_onset: float
    gate_words: float
    gate_silence: float


def choose_clips(root: Path, count: int | None = None) -> list[Clip]:
    """All clips with word times, or so many: those of speakers that have few, the rest evenly out of the one with many."""
    known = [clip for clip in find_clips(root) if clip.words]
    if count is None:
        return known
    sizes = Counter(clip.speaker for clip in known)
    many = [clip for clip in known if clip.speaker == max(sizes, key=sizes.__getitem__)]
    others = [clip for clip in known if clip not in many][:count]
    rest = count - len(others)
    return others + [many[index * len(many) // rest] for index in range(rest)]


def measure(clip: Clip) -> ClipFigures:
    """One clip through voice activity, windows and gate, as a call has them."""
    pcm = read_audio_file(clip.path)
    voiced = VoiceActivity().push(pcm)
    gate = gate_of(voiced)
    spoken = [(1000 * start, 1000 * end) for start, end, word in clip.words if word not in SILENT]
    first_ms, last_ms = spoken[0][0], spoken[-1][1]
    begin_ms = beginning_ms(levels_db(pcm), first_ms, last_ms)
    hop_ms, frame_ms = HOP_MS * np.arange(len(voiced)), FRAME_MS * np.arange(len(gate))
    heard = [at for at, decision in zip(hop_ms, voiced, strict=True) if decision and at >= begin_ms - 200]
    return ClipFigures(
        speaker=clip.speaker,
        hit=_mean(voiced, (hop_ms >= begin_ms) & (hop_ms < last_ms)),
        false=_mean(voiced, (hop_ms < first_ms - BEFORE_MS) | (hop_ms > last_ms + AFTER_MS)),
        onset_ms=heard[0] - begin_ms if heard else float("inf"),
        gate_onset=gate[int(np.ceil((begin_ms + GRACE_MS) / FRAME_MS))],
        gate_words=_mean(gate, (frame_ms >= begin_ms + GRACE_MS) & (frame_ms < last_ms)),
        gate_silence=_mean(gate, (frame_ms < first_ms - 2 * BEFORE_MS) | (frame_ms > last_ms + 2 * AFTER_MS)),
    )


def gate_of(voiced: list[bool]) -> list[float]:
    """Decisions [hops] → the gate [frames] of the preset `live`: it knows what its window and its lookahead know."""
    windows = WindowSlicer(OFFSET_HOPS).push(np.zeros((len(voiced), N_MFCC)), voiced)
    frames = [window.voiced for window in windows]
    gate = MouthGate()
    return [gate.push(any(frames[index : index + 1 + LOOKAHEAD_FRAMES])) for index in range(len(frames))]


def levels_db(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Level of each hop over 30 ms, dB of full scale."""
    hops = pcm[: len(pcm) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES) / 32768
    power = np.convolve((hops**2).mean(1), np.ones(3) / 3, "same")
    return np.asarray(10 * np.log10(power + 1e-12))


def beginning_ms(levels: NDArray[np.float64], first_ms: float, last_ms: float) -> float:
    """When speech begins to stand out: within 15 dB of the words' loud parts, above nearly all of the silence before it."""
    first = int(first_ms) // HOP_MS
    loud_db = float(np.percentile(levels[first : int(last_ms) // HOP_MS], 75))
    room_db = float(np.percentile(levels[5 : first - 5], 90)) if first > 20 else -np.inf
    threshold_db = min(max(loud_db - 15, room_db + 4), loud_db - 5)
    begins = range(max(0, first - 3), len(levels) - STANDS_OUT_HOPS)
    return float(HOP_MS * next(hop for hop in begins if (levels[hop : hop + STANDS_OUT_HOPS] > threshold_db).all()))


def rows(figures: list[ClipFigures]) -> list[list[object]]:
    """A line for each speaker and one for all."""
    speakers = sorted({figure.speaker for figure in figures})
    groups = [(speaker, [figure for figure in figures if figure.speaker == speaker]) for speaker in speakers]
    return [_row(name, group) for name, group in [*groups, ("all", figures)]]


def _row(name: str, group: list[ClipFigures]) -> list[object]:
    onset = summary([figure.onset_ms for figure in group])
    return [
        name,
        len(group),
        f"{fmean(figure.hit for figure in group):.3f}",
        f"{fmean(figure.false for figure in group):.3f}",
        f"{onset['p50']:.0f} / {max(figure.onset_ms for figure in group):.0f}",
        sum(figure.gate_onset < 0.5 for figure in group),
        f"{fmean(figure.gate_words for figure in group):.3f}",
        f"{fmean(figure.gate_silence for figure in group):.3f}",
    ]


def _mean(values: Iterable[float], where: NDArray[np.bool_]) -> float:
    chosen = np.asarray(list(values), np.float64)[where]
    return float(chosen.mean()) if len(chosen) else 0.0


HEADINGS = (
    "speaker",
    "clips",
    "words heard",
    "silence taken for speech",
    "onset ms, median / worst",
    "clips whose mouth is not half open 30 ms into speech",
    "gate in words",
    "gate in silence",
)


def main() -> None:
    """Prints the table; keeps it with --record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", type=Path, help="folder of GRID clips, with word times in SPEAKER/align")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="keep the record there; without it, it is only shown")
    args = parser.parse_args()
    figures = [measure(clip) for clip in choose_clips(args.corpus)]
    lines = rows(figures)
    text = table(HEADINGS, lines)
    print(text)
    if args.record is not None:
        command = shlex.join(["python", "-m", "tests.benchmarks.voice_activity", *sys.argv[1:]])
        record = {"title": "Voice activity on GRID's words and silences", "command": command}
        named = [dict(zip(HEADINGS, line, strict=True)) for line in lines]
        print(f"kept: {write_record(args.record, 'voice-activity', {**record, 'figures': named}, [text])}")


if __name__ == "__main__":
    main()
