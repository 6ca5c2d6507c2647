"""Generators of the presets' own structure, narrow enough to be tested often, with nothing in them that is zero by design."""

from dataclasses import replace
from typing import Any

import torch

from realtime.generators.tcsan.config import TcsanConfig, preset
from realtime.generators.tcsan.flow_head import FlowHead
from realtime.generators.tcsan.generator import TcsanGenerator

NARROW: dict[str, Any] = {
    "identity_channels": 2,
    "audio_channels": 2,
    "au_channels": 2,
    "au_hidden": 3,
    "fusion_channels": 64,
    "head_channels": 4,
}


def narrow_config(name: str) -> TcsanConfig:
    return replace(preset(name), **NARROW)


def narrow_generator(name: str, seed: int = 0) -> TcsanGenerator:
    torch.manual_seed(seed)
    return awake(TcsanGenerator(narrow_config(name)))


def awake(generator: TcsanGenerator) -> TcsanGenerator:
    """An untrained flow head returns the portrait whatever it hears: give its last layer weights."""
    if isinstance(generator.head, FlowHead):
        torch.nn.init.normal_(generator.head.to_flow.weight, 0, 0.1)
    return generator.eval()
