"""What tests of several folders share: recorded speech."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.audio import read_audio_file

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def speech_pcm16k() -> NDArray[np.int16]:
    """Four spoken sentences between digital silences, 12.7 s [n] int16 at 16 kHz (tests/fixtures/README.md)."""
    return read_audio_file(ROOT / "tests" / "fixtures" / "speech.wav")


@pytest.fixture(scope="session")
def grid_root() -> Path:
    """The folder of GRID's clips; the test is skipped where there are none. FACEWIRE_GRID names another place."""
    root = Path(os.environ.get("FACEWIRE_GRID", ROOT.parent / "shared" / "data" / "grid"))
    if not root.is_dir():
        pytest.skip(f"no GRID clips at {root}")
    return root
