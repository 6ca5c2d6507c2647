"""What several files of these tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from export import material
from tests.model_folders import write_openvino
from tests.streaming.exported_default import Exported, exporter
from tests.streaming.narrow import narrow_generator


@pytest.fixture(scope="session")
def exported_default(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exporter(tmp_path_factory)


@pytest.fixture(scope="session")
def narrow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow `live` in OpenVINO's graphs, to be read; who changes it changes a copy."""
    return write_openvino(tmp_path_factory.mktemp("narrow") / "model", narrow_generator("live"))


LESS = ((0, 110), (57, 58), (40, 100), (0, 60), (200, 240), (95, 140))


@pytest.fixture(scope="module", autouse=True)
def _less_speech(request: pytest.FixtureRequest) -> Iterator[None]:
    """Dozens of exports are proven here: with every portrait and as many steps as ever, but half the speech. What is shipped was
    proven with all of it, and the gate's own tests have it all."""
    with pytest.MonkeyPatch.context() as patched:
        if not request.module.__name__.endswith("test_parity_gate"):
            patched.setattr(material, "SPANS", LESS)
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`gpu` marks what only a GPU can show (`make gpu`)."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
