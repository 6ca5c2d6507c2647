"""The precision that a processor gets, and that the choice is logged."""

import logging

import pytest

from realtime.errors import ConfigError
from realtime.runners.processor import choose_precision

ALL = ["f32", "bf16", "int8"]


@pytest.mark.parametrize(
    ("proven", "has", "chosen"),
    [
        (ALL, {"amx_int8", "amx_bf16", "avx512_vnni", "avx512_bf16"}, "bf16"),
        (ALL, {"avx512_bf16", "avx512_vnni"}, "bf16"),
        (ALL, {"avx512_vnni"}, "int8"),
        (ALL, {"avx_vnni"}, "int8"),
        (ALL, set(), "f32"),
        (["f32", "bf16"], {"amx_int8", "amx_bf16"}, "bf16"),
        (["f32", "bf16"], {"avx512_bf16", "avx512_vnni"}, "bf16"),
        (["f32", "bf16"], {"avx512_vnni"}, "f32"),
        (["f32"], {"amx_int8", "amx_bf16"}, "f32"),
    ],
)
def test_the_choice_is_by_what_the_processor_has(
    proven: list[str], has: set[str], chosen: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert choose_precision(proven, frozenset(has)) == chosen
    assert f"precision {chosen}" in caplog.text
    assert (min(has) if has else "neither AMX") in caplog.text


def test_what_was_not_proven_is_not_run() -> None:
    assert choose_precision(ALL, frozenset(), "bf16") == "bf16"
    with pytest.raises(ConfigError, match="not proven in int8: f32, bf16 was expected"):
        choose_precision(["f32", "bf16"], frozenset({"amx_int8"}), "int8")
