"""The models that come with the program; each folder's manifest.json names the command, the data and the commit that made it."""

from pathlib import Path

DEFAULT = "live"


def default_model() -> Path:
    """The folder of the default model."""
    return Path(__file__).parent / DEFAULT


def default_checkpoint() -> Path:
    """What the default model was exported from, in half precision: for other targets than OpenVINO."""
    return Path(__file__).parent / f"{DEFAULT}.pt"
