"""What this processor computes fast, and the precision that a model runs in on it."""

import logging
from functools import cache
from pathlib import Path

from realtime.errors import ConfigError

log = logging.getLogger(__name__)

KNOWN = ("amx_int8", "amx_bf16", "avx512_bf16", "avx512_vnni", "avx_vnni")
INT8 = {"amx_int8", "avx512_vnni", "avx_vnni"}
BF16 = {"amx_bf16", "avx512_bf16"}


@cache
def extensions() -> frozenset[str]:
    """Which of the KNOWN instruction sets this processor has; none where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return frozenset(KNOWN) & frozenset(flags)


def choose_precision(proven: list[str], has: frozenset[str], wanted: str | None = None) -> str:
    """One of the precisions that a model folder was proven in: bf16 where the processor multiplies bfloat16 (AMX, AVX-512 BF16),
    else int8 where it multiplies 8-bit numbers (VNNI), else f32. Where there are both, int8 is hardly faster and further from
    the generator (docs/decisions/0017). `wanted` overrules it. The choice is logged.

    Raises ConfigError where the wanted one was not proven.
    """
    if wanted is not None:
        if wanted not in proven:
            raise ConfigError(f"the model was not proven in {wanted}: {', '.join(proven)} was expected")
        return wanted
    if "bf16" in proven and has & BF16:
        chosen = "bf16"
    elif "int8" in proven and has & INT8:
        chosen = "int8"
    else:
        chosen = "f32"
    log.info("precision %s: the processor has %s, the model was proven in %s", chosen, _named(has), ", ".join(proven))
    return chosen


def _named(has: frozenset[str]) -> str:
    return ", ".join(sorted(has)) or "neither AMX, AVX-512 BF16 nor VNNI"
