"""What is installed is what was written: the wheel holds every file of the program, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("realtime", "server", "web_client", "export", "training")


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_file_of_the_program_is_in_the_wheel(wheel_files: set[str]) -> None:
    written = {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()}
    written = {name for name in written if "__pycache__" not in name and not name.endswith(".partial")}
    assert written - wheel_files == set()


def test_page_portraits_model_and_landmarker_are_in_the_wheel(wheel_files: set[str]) -> None:
    assert wheel_files >= {
        "web_client/index.html",
        "web_client/portraits/portraits.json",
        "realtime/weights/live/manifest.json",
        "realtime/models/face_landmarks_detector.tflite",
    }


def test_the_wheel_puts_nothing_else_beside_other_packages(wheel_files: set[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel_files}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"facewire.py", *FOLDERS}
