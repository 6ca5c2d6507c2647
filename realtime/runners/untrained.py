"""Generators that nobody has trained: random weights are as fast as learnt ones, so each system's speed can be measured."""

import torch
from torch import nn

from realtime.errors import ConfigError
from realtime.generators.registry import SYSTEMS, system

SEED = 0
AWAKE = 0.1  # spread of weights that begin at zero: nothing may be multiplied by nothing


def names() -> list[str]:
    """SYSTEM/PRESET of every generator that there is."""
    return [f"{name}/{preset}" for name, kind in SYSTEMS.items() for preset in kind.presets]


def untrained(name: str) -> nn.Module:
    """The generator of a SYSTEM/PRESET, its weights the same each time.

    Raises ConfigError where there is none.
    """
    if name not in names():
        raise ConfigError(f"no generator {name!r}: one of {', '.join(names())} was expected")
    system_name, preset = name.split("/")
    kind = system(system_name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        generator: nn.Module = kind.build(kind.preset(preset))
        for value in generator.parameters():
            if not value.any():
                nn.init.normal_(value, 0, AWAKE)
    return generator.eval()
