"""How well lips can be foretold: taught where it was stopped, judged clip by clip, with a control that cannot keep up."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from realtime.generators.tcsan.config import live
from tests.streaming.narrow import narrow_config
from tests.training.noise import noise_clip
from training.augmentation import AugmentationConfig
from training.evaluation import foretold_lips
from training.evaluation.foretold_lips import Heard, figures, foretold, rows, study_row, taught
from training.lip_targets import lip_targets
from training.recipes import lips_first
from training.recipes.lips_first import ForetoldLips
from training.voice_cache import hear

CLIPS = [noise_clip(speaker) for speaker in "abc"]
HEARD = Heard(clips=CLIPS, sounds=[hear(clip.key, clip.pcm, (), AugmentationConfig(variants=1), 1) for clip in CLIPS])


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_what_was_taught_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = taught(narrow_config("live"), HEARD, 3, tmp_path, bf16=False)

    def never(*_: object) -> None:
        raise AssertionError("it learnt again")

    monkeypatch.setattr(lips_first, "lip_loss", never)
    again = taught(narrow_config("live"), HEARD, 3, tmp_path, bf16=False)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    mfcc = HEARD.sounds[0].own[0]
    told = foretold(again, mfcc, 30)
    assert told.shape == (30, lip_targets(CLIPS[0].landmarks).shape[1])
    assert np.array_equal(told, foretold(first, mfcc, 30))


def test_a_frame_is_foretold_from_its_own_future_and_no_more(tmp_path: Path) -> None:
    """115 ms are 11.5 hops of 10 ms: what is said from hop 4 t + 12 on is not heard in frame t."""
    network = taught(narrow_config("live"), HEARD, 3, tmp_path, bf16=False)
    mfcc = HEARD.sounds[0].own[0]
    later = mfcc.copy()
    later[4 * 10 + 12 :] += 1
    before, after = foretold(network, mfcc, 30), foretold(network, later, 30)
    assert np.abs(before[:11] - after[:11]).max() < 1e-5
    assert np.abs(before[11] - after[11]).max() > 1e-5


class Perfect(nn.Module):
    """Says the very lips of the clips in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.lips = iter([lip_targets(clip.landmarks) for clip in CLIPS])
        self.generator = type("", (), {"lookahead": 0, "config": live()})()

    def forward(self, _: Tensor) -> Tensor:
        return torch.from_numpy(next(self.lips))[None]


def test_perfect_lips_correlate_with_their_own_and_not_with_another_s() -> None:
    network: ForetoldLips = Perfect()  # type: ignore[assignment]
    found = figures(network, HEARD)
    assert min(found["opening"] + found["width"]) > 0.999
    assert max(map(abs, found["opening, other"] + found["width, other"])) < 0.6


def test_rows_differ_in_width_or_future_alone() -> None:
    default = rows().pop("the default")
    assert default == live()
    futures = {f"{ms} ms of future" for ms in (5, 35, 75, 155)} | {"unlimited future"}
    assert set(rows()) == {"the default", "twice as wide"} | futures
    for name, config in rows().items():
        assert config.head == default.head, name
    assert foretold_lips._future(default) == "115"


def test_a_row_is_drawn_with_its_future_and_its_control() -> None:
    found = {"opening": [0.5, 0.6, 0.7], "width": [0.1, 0.2, 0.3], "opening, other": [0.0, 0.2], "width, other": [0.0, 0.0]}
    row = study_row("35 ms of future", rows()["35 ms of future"], found)
    assert row.future_ms == 35
    assert row.pooled["opening"] == pytest.approx(0.6)
    low, high = row.pooled["width_interval"]
    assert 0.1 <= low < 0.2 < high <= 0.3
    assert row.other == pytest.approx({"opening": 0.1, "width": 0.0})
