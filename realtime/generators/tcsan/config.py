"""The presets of system 1.

A frame k stands for 40 k ms. Its window is the 28 MFCC hops from 4 k + `window_offset_hops` on; hop j is heard from 10 j to
10 j + 25 ms. So the future audio that a frame needs is 10 (offset + 27) + 25 + 40 × lookahead ms: 765 ms for `paper`, 115 ms
for `live` and `lite`.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from realtime.errors import ConfigError
from realtime.generators.layers.flow_head import Mouth

Head = Literal["flow", "pixels"]
Fusion = Literal["tcsan", "gru", "tcn", "attention_tcn", "co_attention_tcn"]

# Keys that checkpoints did not have from the start, and what they were made with.
ADDED: dict[str, Any] = {"fusion": "tcsan", "audio2au": True, "mouth": "decoded"}


@dataclass(frozen=True, kw_only=True)
class TcsanConfig:
    """Shapes of the generator.

    lookahead: future frames of the temporal network, None for the published symmetric taps (unlimited);
    identity_channels, audio_channels: width of each encoder's first layer; au_channels, au_hidden: of each Audio2AU;
    fusion_channels, n_blocks: the temporal network; head: `pixels`, the published decoder, or `flow`; head_channels: its
    first layer's width; fusion: a row of papers/1, table 3 (`fusion.py`); audio2au: whether action units are listened for, as
    in tables 4 and 6; mouth: of the flow head, `decoded` until `facewire paint` has made it `inpainted`.
    """

    preset: str
    head: Head
    window_offset_hops: int
    lookahead: int | None
    identity_channels: int
    audio_channels: int
    au_channels: int
    au_hidden: int
    fusion_channels: int = 256
    n_blocks: int = 4
    head_channels: int
    fusion: Fusion = "tcsan"
    audio2au: bool = True
    mouth: Mouth = "decoded"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def paper() -> TcsanConfig:
    """The published shapes: centred window, symmetric non-causal taps, every pixel painted by six transposed convolutions."""
    return TcsanConfig(
        preset="paper",
        head="pixels",
        window_offset_hops=-13,
        lookahead=None,
        identity_channels=32,
        audio_channels=32,
        au_channels=32,
        au_hidden=64,
        head_channels=128,
    )


def live() -> TcsanConfig:
    """The default: 115 ms of future audio in all (docs/results, "How much of the future a mouth needs"), the flow head."""
    return TcsanConfig(
        preset="live",
        head="flow",
        window_offset_hops=-22,
        lookahead=1,
        identity_channels=16,
        audio_channels=20,
        au_channels=16,
        au_hidden=32,
        head_channels=64,
    )


def lite() -> TcsanConfig:
    """`live` at about a third of its cost, for more sessions on a core."""
    return TcsanConfig(
        preset="lite",
        head="flow",
        window_offset_hops=-22,
        lookahead=1,
        identity_channels=8,
        audio_channels=12,
        au_channels=8,
        au_hidden=16,
        fusion_channels=128,
        head_channels=32,
    )


PRESETS = {"paper": paper, "live": live, "lite": lite}


def preset(name: str) -> TcsanConfig:
    """A preset by its name.

    Raises ConfigError where there is none.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}: one of {', '.join(PRESETS)} was expected")
    return PRESETS[name]()


def from_dict(values: dict[str, Any]) -> TcsanConfig:
    """A configuration as a checkpoint keeps it; where it is older than a key of ADDED, that key's value there.

    Raises ConfigError on an unknown or missing key, and for a fusion that there is not.
    """
    values = ADDED | values
    known = {field.name for field in fields(TcsanConfig)}
    if wrong := set(values) ^ known:
        raise ConfigError(f"a configuration of system 1 with unknown or missing keys: {', '.join(sorted(wrong))}")
    if values["fusion"] not in get_args(Fusion):
        raise ConfigError(f"no fusion {values['fusion']!r}: one of {', '.join(get_args(Fusion))} was expected")
    if values["mouth"] not in get_args(Mouth):
        raise ConfigError(f"no mouth {values['mouth']!r}: one of {', '.join(get_args(Mouth))} was expected")
    return TcsanConfig(**values)
