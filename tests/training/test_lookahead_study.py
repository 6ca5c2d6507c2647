"""A row of the study differs from its preset in the future alone, and is named after how much of it."""

from dataclasses import replace

import pytest

from realtime.errors import ConfigError
from realtime.generators.tcsan.config import preset
from realtime.generators.tcsan.generator import TcsanGenerator
from realtime.model_spec import future_ms
from training.recipes.lookahead import FUTURES, NAMES
from training.recipes.tcsan import Recipe
from training.recipes.tcsan_variants import variant


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_named_after_its_future(name: str) -> None:
    config, recipe = variant(name, preset("live"), Recipe(), labelled=False)
    assert recipe == Recipe()
    assert replace(config, window_offset_hops=-22, lookahead=2) == preset("live")
    heard = future_ms(config.window_offset_hops, TcsanGenerator(config).lookahead)
    assert name == f"future:{heard}" or (name == "future:unlimited" and heard > 700)


def test_the_default_preset_is_a_row_of_it() -> None:
    assert variant("future:155", preset("live"), Recipe(), labelled=False)[0] == preset("live")
    assert len(FUTURES) == 6


def test_another_future_is_refused() -> None:
    with pytest.raises(ConfigError, match="no row 'future:40'"):
        variant("future:40", preset("live"), Recipe(), labelled=False)
