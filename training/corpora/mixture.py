"""Several corpora learnt from at once: the first is divided into what is learnt and what is held out, the others are learnt from
whole."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.errors import ConfigError
from training.corpora import registry
from training.corpora.clip import Clip
from training.corpora.registry import Corpus
from training.preprocessing import PreparedClip, prepare_corpus
from training.split import divide, leave_out, speakers_named


@dataclass(frozen=True, kw_only=True)
class Added:
    """A corpus beside the first: where it lies, and all its clips."""

    corpus: Corpus
    source: Path
    clips: list[Clip]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """corpus: the first; learn, test, left_out: its clips; added: the others."""

    corpus: Corpus
    learn: list[Clip]
    test: list[Clip]
    left_out: list[Clip]
    added: tuple[Added, ...]

    def prepare(self, cache: Path, workers: int) -> list[PreparedClip]:
        """All clips that are learnt from. Each added corpus has a cache of its own: made-up clips have the same names
        everywhere."""
        prepared = prepare_corpus(self.learn, cache, workers=workers)
        for added in self.added:
            own = cache / f"{added.corpus.name}-{zlib.crc32(str(added.source.resolve()).encode()):08x}"
            prepared += prepare_corpus(added.clips, own, workers=workers)
        return prepared

    @property
    def added_keys(self) -> frozenset[str]:
        """Of the clips that the corpora beside the first bring."""
        return frozenset(clip.key for added in self.added for clip in added.clips)

    def origin(self) -> dict[str, Any]:
        """For the checkpoint's data entry; the corpus's name is that of the first, which a model is evaluated on."""
        all_of_them = (self.corpus, *(added.corpus for added in self.added))
        named = list(dict.fromkeys(all_of_them))
        return {
            "corpus": " + ".join(corpus.title for corpus in named),
            "corpus_name": self.corpus.name,
            "licence": " + ".join(dict.fromkeys(corpus.licence for corpus in named)),
            "attribution": " ".join(dict.fromkeys(corpus.attribution for corpus in named)),
        }

    def in_words(self) -> str:
        """`GRID …: 562 clips; synthetic …: 200 clips`."""
        parts = [(self.corpus.title, len(self.learn)), *((added.corpus.title, len(added.clips)) for added in self.added)]
        return "; ".join(f"{title}: {count} clips" for title, count in parts)


def read(sources: list[Path], held_out: str) -> Mixture:
    """Corpus folders or manifests, the first to be divided.

    Raises ConfigError where one cannot be read or divided, where an added one has a held-out speaker, or two have a clip of one
    key.
    """
    corpus, clips = registry.load(sources[0])
    learn, test = divide(clips, corpus.name, held_out)
    learn, left_out = leave_out(learn)
    added = []
    for source in sources[1:]:
        other, more = registry.load(source)
        added.append(Added(corpus=other, source=source, clips=more))
    whole = learn + left_out
    heard = {clip.speaker for clip in whole}
    kept_out = {*speakers_named(held_out), *(clip.speaker for clip in test if clip.speaker not in heard)}
    _check(whole + test, added, kept_out)
    return Mixture(corpus=corpus, learn=learn, test=test, left_out=left_out, added=tuple(added))


def _check(clips: list[Clip], added: list[Added], kept_out: set[str]) -> None:
    """clips: all of the first corpus."""
    taken = {clip.key for clip in clips}
    for other in added:
        if heard := sorted({clip.speaker for clip in other.clips} & kept_out):
            who = ", ".join(heard)
            raise ConfigError(f"{other.source} has clips of {who}, who are held out: a corpus without them was expected")
        if twice := sorted({clip.key for clip in other.clips} & taken):
            which = ", ".join(twice[:3])
            raise ConfigError(f"{other.source} has clips that another corpus has too ({which}): different ones were expected")
        taken |= {clip.key for clip in other.clips}
