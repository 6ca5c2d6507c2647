"""Generators of the presets' own structure, narrow enough to be tested often, with nothing in them that is zero by design."""

from dataclasses import replace
from typing import Any, TypeVar, get_args

import torch

from realtime.generators.layers.flow_head import FlowHead
from realtime.generators.layers.window_generator import WindowGenerator
from realtime.generators.recurrent_gan import config as recurrent_gan
from realtime.generators.recurrent_gan.config import RecurrentGanConfig
from realtime.generators.recurrent_gan.generator import RecurrentGanGenerator
from realtime.generators.tcsan.config import Fusion, TcsanConfig, preset
from realtime.generators.tcsan.generator import TcsanGenerator

Generator = TypeVar("Generator", TcsanGenerator, RecurrentGanGenerator)

NARROW: dict[str, Any] = {
    "identity_channels": 2,
    "audio_channels": 2,
    "au_channels": 2,
    "au_hidden": 3,
    "fusion_channels": 64,
    "head_channels": 4,
}


FUSIONS = get_args(Fusion)
SYSTEM_2 = "recurrent_gan "  # and a preset's name


def narrow_config(name: str) -> TcsanConfig:
    """A preset, or PRESET FUSION: with that fusion and without Audio2AU, as in papers/1, table 3; or PRESET inpainted: with the
    mouth of the painting stage."""
    preset_name, *variant = name.split()
    changes: dict[str, Any] = {}
    if variant:
        changes = {"mouth": "inpainted"} if variant == ["inpainted"] else {"fusion": variant[0], "audio2au": False}
    return replace(preset(preset_name), **NARROW, **changes)


def narrow_generator(name: str, seed: int = 0) -> TcsanGenerator:
    torch.manual_seed(seed)
    return awake(TcsanGenerator(narrow_config(name)))


def narrow_recurrent_config(name: str) -> RecurrentGanConfig:
    return replace(recurrent_gan.preset(name), **NARROW)


def narrow_system(name: str, seed: int = 0) -> WindowGenerator:
    """Of system 1 as above, of system 2 by SYSTEM_2 and a preset."""
    if not name.startswith(SYSTEM_2):
        return narrow_generator(name, seed)
    torch.manual_seed(seed)
    return awake(RecurrentGanGenerator(narrow_recurrent_config(name.removeprefix(SYSTEM_2))))


def awake(generator: Generator) -> Generator:
    """An untrained flow head returns the portrait whatever it hears: give its last layer weights."""
    if isinstance(generator.head, FlowHead):
        torch.nn.init.normal_(generator.head.to_flow.weight, 0, 0.1)
    return generator.eval()
