"""A run on disk: whole or not at all, and refused where it is not one of ours."""

from pathlib import Path

import pytest
import torch

from realtime.errors import ModelError
from tests.training.test_perceptual import Malicious
from training import checkpoint as checkpoints
from training.checkpoint import Checkpoint

KEPT = Checkpoint(
    system="tcsan", config={"preset": "live"}, step=7, weights={"w": torch.ones(2)}, training={}, recipe={"seed": 1}, data={}
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    checkpoints.save(KEPT, tmp_path / "checkpoint.pt")
    found = checkpoints.load(tmp_path / "checkpoint.pt")
    assert torch.equal(found.weights.pop("w"), torch.ones(2))
    assert vars(found) == {**vars(KEPT), "weights": {}}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_an_interrupted_save_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoints.save(KEPT, path)

    def interrupted(_: object, partial: Path) -> None:
        partial.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(KEPT, path)
    assert checkpoints.load(path).step == 7


def test_others_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(ModelError, match="does not exist"):
        checkpoints.load(path)
    checkpoints.save(KEPT, path)
    whole = path.read_bytes()
    for content in (b"not a checkpoint", b"", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="damaged"):
            checkpoints.load(path)
    torch.save({"format": 1, "epoch": 3}, path)
    with pytest.raises(ModelError, match="not a checkpoint of"):
        checkpoints.load(path)
    torch.save({**vars(KEPT), "format": 99}, path)
    with pytest.raises(ModelError, match="format 99"):
        checkpoints.load(path)


def test_a_checkpoint_runs_nothing(tmp_path: Path) -> None:
    torch.save({**vars(KEPT), "format": 1, "data": Malicious(tmp_path / "made")}, tmp_path / "checkpoint.pt")
    with pytest.raises(ModelError, match="damaged"):
        checkpoints.load(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "made").exists()
