"""Corpora by name: how each is found, named and licensed; and a folder or a manifest → its corpus and clips."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import ConfigError
from training.corpora import crema_d, grid, manifest, mead, ravdess, synthetic, tcd_timit
from training.corpora.clip import Clip
from training.corpora.found import Found


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """name: as `--kind` takes it; title, licence, attribution: for a model's manifest; scan: a folder → clips and what is none;
    find_clips: the same, what is none logged; looks_like: whether a folder is laid out so."""

    name: str
    title: str
    licence: str
    attribution: str
    scan: Callable[[Path], Found]
    find_clips: Callable[[Path], list[Clip]]
    looks_like: Callable[[Path], bool]


CORPORA = {
    name: Corpus(
        name=name,
        title=module.NAME,
        licence=module.LICENCE,
        attribution=module.ATTRIBUTION,
        scan=module.scan,
        find_clips=module.find_clips,
        looks_like=module.looks_like,
    )
    for name, module in (
        ("grid", grid),
        ("tcd-timit", tcd_timit),
        ("mead", mead),
        ("ravdess", ravdess),
        ("crema-d", crema_d),
        ("synthetic", synthetic),
    )
}


def corpus(name: str) -> Corpus:
    """A corpus by its name.

    Raises ConfigError where there is none.
    """
    if name not in CORPORA:
        raise ConfigError(f"no corpus {name!r}: one of {', '.join(CORPORA)} was expected")
    return CORPORA[name]


def detect(root: Path) -> Corpus:
    """The corpus that a folder is laid out as.

    Raises ConfigError where it is laid out as none of them, or as several.
    """
    if not root.is_dir():
        raise ConfigError(f"{root} is no folder: a corpus as it was unpacked was expected")
    found = [kind for kind in CORPORA.values() if kind.looks_like(root)]
    if len(found) == 1:
        return found[0]
    laid = f"as {' and '.join(kind.name for kind in found)}" if found else f"as none of {', '.join(CORPORA)}"
    raise ConfigError(f"{root} is laid out {laid}: say which corpus it is, or name the folder of one of them")


def load(source: Path, name: str | None = None) -> tuple[Corpus, list[Clip]]:
    """A corpus folder, or a manifest of `facewire corpus` → which corpus it is, and its clips. name: where it is not to be
    guessed.

    Raises ConfigError where there is none, or where a manifest is damaged or of another corpus.
    """
    if source.is_file():
        kind, clips = manifest.read_manifest(source)
        if name not in (None, kind):
            raise ConfigError(f"{source} lists clips of {kind}, not of {name}")
        return corpus(kind), clips
    kind_of_folder = corpus(name) if name else detect(source)
    return kind_of_folder, kind_of_folder.find_clips(source)
