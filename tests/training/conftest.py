"""The miniature corpora, each made once, and GRID's good clips, prepared once."""

from pathlib import Path

import pytest
import torch

from tests.training.make_corpora import MAKERS
from tests.training.make_corpus import CLIPS, make_corpus
from training import picture_augmentation
from training.corpora.grid import find_clips
from training.preprocessing import PreparedClip, prepare_corpus


@pytest.fixture(scope="session", autouse=True)
def _two_threads() -> None:
    torch.set_num_threads(min(2, torch.get_num_threads()))


@pytest.fixture
def nobody_smiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a few steps are to show that something is learnt at all."""
    monkeypatch.setattr(picture_augmentation, "SMILING", 0.0)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read-only for tests: three speakers, s1 to s3, and in s4 what must be left out."""
    return make_corpus(tmp_path_factory.mktemp("grid"))


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Read-only for tests: the other corpora by name, each with files that must be left out (make_corpora.py)."""
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `prepared` lies; a test that changes it takes a copy."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def prepared(corpus: Path, cache: Path) -> list[PreparedClip]:
    good = [clip for clip in find_clips(corpus) if clip.speaker != "s4"]
    assert len(good) == len(CLIPS)
    return prepare_corpus(good, cache, workers=1)


@pytest.fixture(scope="session")
def corpus_crop(prepared: list[PreparedClip]) -> torch.Tensor:
    """A face of the miniature corpus, [1, 3, 112, 112] in 0..1."""
    return torch.from_numpy(prepared[0].crops[0]).permute(2, 0, 1)[None].float() / 255
