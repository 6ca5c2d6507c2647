"""One clip of a corpus: a video file with its sound, who speaks, and what is said."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Clip:
    """path: the video with its sound; speaker and name: as the corpus has them; text: the words; words: (start_s, end_s,
    word)."""

    path: Path
    speaker: str
    name: str
    text: str
    words: tuple[tuple[float, float, str], ...] = ()

    @property
    def key(self) -> str:
        """Unique in its corpus, e.g. `s1/bbaf2n`."""
        return f"{self.speaker}/{self.name}"
