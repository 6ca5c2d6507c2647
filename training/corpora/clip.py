"""One clip of a corpus: a video file and its sound, who speaks, what is said, and how."""

from dataclasses import dataclass
from pathlib import Path

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgusted", "surprised", "contempt")

Times = tuple[tuple[float, float, str], ...]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """path: the video; audio: its sound, where that is a file of its own (else it is in the video); speaker and name: as the
    corpus has them; text: the words, empty where the corpus does not say; words, phones: (start_s, end_s, label) of each, where
    known; emotion: one of EMOTIONS; level: its strength as the corpus counts it, 1 the weakest. None where it is not said."""

    path: Path
    speaker: str
    name: str
    text: str = ""
    words: Times = ()
    phones: Times = ()
    audio: Path | None = None
    emotion: str | None = None
    level: int | None = None

    @property
    def key(self) -> str:
        """Unique in its corpus, e.g. `s1/bbaf2n`."""
        return f"{self.speaker}/{self.name}"
