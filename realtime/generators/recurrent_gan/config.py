"""The presets of system 2.

The network hears no future of its own: the window gives it all. Hops and frames are counted as in
`realtime.model_spec.future_ms`, so a frame needs 10 (offset + 27) + 25 ms of future audio: 165 ms for `paper`, whose window is
centred on the frame, 115 ms for `live`.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from realtime.errors import ConfigError
from realtime.generators.layers.flow_head import Mouth

ADDED: dict[str, Any] = {"mouth": "decoded"}  # what checkpoints did not say from the start
Head = Literal["flow", "pixels"]


@dataclass(frozen=True, kw_only=True)
class RecurrentGanConfig:
    """Shapes of the generator.

    identity_channels, audio_channels: width of each encoder's first layer; au_channels, au_hidden: of each Audio2AU;
    fusion_channels: of the GRU; head: `pixels`, the published decoder, or `flow`; head_channels: its first layer's width;
    audio2au: whether action units are listened for, as in papers/2, table 2; mouth: as system 1 has it.
    """

    preset: str
    head: Head
    window_offset_hops: int
    identity_channels: int
    audio_channels: int
    au_channels: int
    au_hidden: int
    fusion_channels: int = 256
    head_channels: int
    audio2au: bool = True
    mouth: Mouth = "decoded"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def paper() -> RecurrentGanConfig:
    """The published shapes: centred window, every pixel painted by six transposed convolutions."""
    return RecurrentGanConfig(
        preset="paper",
        head="pixels",
        window_offset_hops=-13,
        identity_channels=32,
        audio_channels=32,
        au_channels=32,
        au_hidden=64,
        head_channels=128,
    )


def live() -> RecurrentGanConfig:
    """As wide as system 1's `live`, as much future audio, and its flow head."""
    return RecurrentGanConfig(
        preset="live",
        head="flow",
        window_offset_hops=-18,
        identity_channels=16,
        audio_channels=20,
        au_channels=16,
        au_hidden=32,
        head_channels=64,
    )


PRESETS = {"paper": paper, "live": live}


def preset(name: str) -> RecurrentGanConfig:
    """A preset by its name.

    Raises ConfigError where there is none.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r} of system 2: one of {', '.join(PRESETS)} was expected")
    return PRESETS[name]()


def from_dict(values: dict[str, Any]) -> RecurrentGanConfig:
    """A configuration as a checkpoint keeps it.

    Raises ConfigError on an unknown or missing key.
    """
    values = ADDED | values
    if wrong := set(values) ^ {field.name for field in fields(RecurrentGanConfig)}:
        raise ConfigError(f"a configuration of system 2 with unknown or missing keys: {', '.join(sorted(wrong))}")
    return RecurrentGanConfig(**values)
