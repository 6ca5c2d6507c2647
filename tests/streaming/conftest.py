"""What several files of these tests share."""

import pytest
import torch

from tests.streaming.exported_default import Exported, exporter


@pytest.fixture(scope="session")
def exported_default(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exporter(tmp_path_factory)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`gpu` marks what only a GPU can show (`make gpu`)."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
