"""Table 3's fusions as configurations: old checkpoints load as they were, and each fusion is the network that it says."""

from dataclasses import replace

import pytest
import torch

from realtime.errors import ConfigError
from realtime.generators.layers.co_attention import CoAttention
from realtime.generators.layers.recurrent import RecurrentFusion
from realtime.generators.tcsan.attention_first import AttentionFirst, CoAttended, SelfAttended
from realtime.generators.tcsan.config import ADDED, from_dict, preset
from realtime.generators.tcsan.generator import TcsanGenerator
from realtime.generators.tcsan.tcsan import Tcsan
from tests.streaming.narrow import FUSIONS, narrow_config, narrow_generator


def test_a_checkpoint_from_before_the_fusions_loads_unchanged() -> None:
    """Its configuration has neither key; its weights' names are those of the first release."""
    old = {name: value for name, value in preset("live").to_dict().items() if name not in ("fusion", "audio2au")}
    assert from_dict(old) == preset("live")
    assert (preset("live").fusion, preset("live").audio2au) == ("tcsan", True)
    assert ADDED == {"fusion": "tcsan", "audio2au": True, "mouth": "decoded"}
    names = set(TcsanGenerator(narrow_config("live")).state_dict())
    block = ("conv.conv.weight", "conv.conv.bias", "attention.qkv.weight", "attention.project.bias")
    assert {f"tcsan.blocks.{i}.{name}" for i in range(4) for name in block} <= names
    assert {"tcsan.blocks.0.fit.weight", "action_units.units.4.fc2.weight", "audio_encoder.fc2.bias"} <= names
    assert len(names) == 177


def test_other_keys_may_not_be_missing_and_no_fusion_is_made_up() -> None:
    values = preset("live").to_dict()
    with pytest.raises(ConfigError, match="missing"):
        from_dict({name: value for name, value in values.items() if name != "n_blocks"})
    with pytest.raises(ConfigError, match="no fusion 'transformer'"):
        from_dict({**values, "fusion": "transformer"})


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_fusion_survives_its_configuration(fusion: str) -> None:
    config = narrow_config(f"live {fusion}")
    generator = TcsanGenerator(from_dict(config.to_dict()))
    kinds = {"tcsan": Tcsan, "tcn": Tcsan, "gru": RecurrentFusion}
    assert isinstance(generator.tcsan, kinds.get(fusion, AttentionFirst))
    attends = any("attention" in name for name in generator.tcsan.state_dict())
    assert attends == ("attention" in fusion or fusion == "tcsan")
    if isinstance(generator.tcsan, AttentionFirst):
        assert isinstance(generator.tcsan.attention, CoAttended if fusion.startswith("co_") else SelfAttended)


def test_without_audio2au_no_action_units_are_listened_for() -> None:
    with_units, without = (TcsanGenerator(replace(narrow_config("live"), audio2au=on)) for on in (True, False))
    window = torch.randn(3, 12, 28)
    assert with_units.listen(window).shape == (3, 832)
    assert without.listen(window).shape == (3, 512)
    assert not [name for name in without.state_dict() if "action_units" in name]


@torch.inference_mode()
def test_a_gru_hears_the_past_and_no_future() -> None:
    generator = narrow_generator("live gru")
    x = torch.randn(1, 9, 1024)
    later = x.clone()
    later[:, 6] += 1
    before, after = generator.tcsan(x), generator.tcsan(later)
    assert torch.equal(before[:, :6], after[:, :6])
    assert (before[:, 6:] - after[:, 6:]).abs().min(1).values.max() > 1e-4


@torch.inference_mode()
def test_in_co_attention_each_modality_asks_the_other_alone() -> None:
    """What speech says changes the face's share, but one frame's speech changes no other frame's."""
    torch.manual_seed(0)
    attention = CoAttention(64, 96)
    face, speech = torch.randn(2, 64), torch.randn(2, 96)
    other = speech.clone()
    other[0, :32] += 1
    (face_1, speech_1), (face_2, speech_2) = attention(face, speech), attention(face, other)
    assert (face_1[0] - face_2[0]).abs().max() > 1e-4
    assert torch.equal(speech_1[0, 32:], speech_2[0, 32:])  # elements of one modality do not see each other
    assert torch.equal(face_1[1], face_2[1])
    with pytest.raises(ValueError, match="multiples of 32"):
        CoAttention(64, 70)
