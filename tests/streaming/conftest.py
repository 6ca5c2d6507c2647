"""What several files of these tests share."""

import pytest

from tests.streaming.exported_default import Exported, exporter


@pytest.fixture(scope="session")
def exported_default(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exporter(tmp_path_factory)
