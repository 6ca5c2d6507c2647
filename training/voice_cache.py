"""Every clip heard in many voices, as MFCC: made once, in parallel, kept in the cache's files.

A clip's copies depend on its sound, its dubs, the augmentation and the seed. All of that is in the file's name, so what another
setting made is never read. They are read when they are drawn: those of a whole corpus are larger than memory.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from training.augmentation import AugmentationConfig, other_voices, voices
from training.preprocessing import PreparedClip
from training.processes import in_processes
from training.synthetic.dubbing import Dub

VERSION = 1  # of what is computed here and in augmentation.py


@dataclass(frozen=True, kw_only=True)
class HeardClip:
    """load(): MFCC [N, n_hops, 12]: n_own copies of the clip, the first as it is, then those of its dubs, on the clip's time."""

    load: Callable[[], NDArray[np.float32]]
    n_own: int
    n_dubs: int

    @property
    def own(self) -> NDArray[np.float32]:
        """[n_own, n_hops, 12]."""
        return self.load()[: self.n_own]

    @property
    def dubs(self) -> NDArray[np.float32]:
        """[n_dubs, n_hops, 12]."""
        return self.load()[self.n_own :]


def hear(key: str, pcm: NDArray[np.int16], dubs: Sequence[Dub], augmentation: AugmentationConfig, seed: int) -> HeardClip:
    """One clip's copies, in memory: the same for the same seed, whatever else is heard."""
    rng = np.random.default_rng([seed, zlib.crc32(key.encode())])
    own = voices(pcm, augmentation, rng)
    of_dubs = [mfcc[dub.hops] for dub in dubs for mfcc in other_voices(dub.pcm, augmentation, rng)]
    copies = np.stack([*own, *of_dubs])
    return HeardClip(load=lambda: copies, n_own=len(own), n_dubs=len(of_dubs))


def hear_all(
    clips: Sequence[PreparedClip],
    augmentation: AugmentationConfig,
    seed: int,
    cache: Path,
    dubs: Mapping[str, Sequence[Dub]] | None = None,
    workers: int = 2,
) -> list[HeardClip]:
    """Every clip's copies, from `cache` where they are there, made where they are not, with a progress bar. dubs: by the key
    of their clip.

    Raises ConfigError where a file of the cache is damaged.
    """
    cache.mkdir(parents=True, exist_ok=True)
    work = []
    for clip in clips:
        said = _Said(key=clip.key, pcm=clip.pcm, dubs=tuple(dubs.get(clip.key, ())) if dubs else ())
        work.append((said, cache / f"{clip.key.replace('/', '_')}.{_fingerprint(said, augmentation, seed)}.npy"))
    if missing := [(said, path) for said, path in work if not path.exists()]:
        make = partial(_make, augmentation=augmentation, seed=seed)
        for _ in in_processes(make, missing, workers=min(workers, len(missing)), label="other voices", unit="clip"):
            pass
    return [_stored(path, 1 + augmentation.variants) for _, path in work]


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What a clip's copies are made of: its pictures stay where they are."""

    key: str
    pcm: NDArray[np.int16]
    dubs: Sequence[Dub]


def _fingerprint(said: _Said, augmentation: AugmentationConfig, seed: int) -> str:
    sound = zlib.crc32(said.pcm.tobytes())
    for dub in said.dubs:
        sound = zlib.crc32(dub.hops.tobytes(), zlib.crc32(dub.pcm.tobytes(), sound))
    return f"{sound:08x}{zlib.crc32(f'{VERSION} {augmentation} {seed}'.encode()):08x}"


def _make(work: tuple[_Said, Path], augmentation: AugmentationConfig, seed: int) -> None:
    said, path = work
    unfinished = path.with_suffix(".partial")
    with unfinished.open("wb") as file:
        np.save(file, hear(said.key, said.pcm, said.dubs, augmentation, seed).load())
    unfinished.replace(path)


def _stored(path: Path, n_own: int) -> HeardClip:
    load = partial(np.load, path, mmap_mode="r")  # mapped for one draw: a process may hold some 65 000 maps
    try:
        count = len(load())
    except (OSError, EOFError, ValueError) as error:
        raise ConfigError(f"{path} is damaged ({error}): remove it, and it is made again") from error
    return HeardClip(load=load, n_own=n_own, n_dubs=count - n_own)
