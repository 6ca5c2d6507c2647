"""Systems by name: configuration and generator of each."""

from dataclasses import dataclass
from typing import Any, Protocol

from realtime.errors import ConfigError
from realtime.generators.recurrent_gan import config as recurrent_gan_config
from realtime.generators.recurrent_gan.generator import RecurrentGanGenerator
from realtime.generators.tcsan import config as tcsan_config
from realtime.generators.tcsan.generator import TcsanGenerator


class GeneratorConfig(Protocol):
    """What every system's configuration has."""

    @property
    def preset(self) -> str: ...

    @property
    def head(self) -> Any: ...

    @property
    def window_offset_hops(self) -> int: ...

    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class System:
    """name; presets; how to read a configuration back; how to build the generator."""

    name: str
    presets: tuple[str, ...]
    preset: Any
    config_from_dict: Any
    build: type[TcsanGenerator] | type[RecurrentGanGenerator]


SYSTEMS = {
    "tcsan": System(
        name="tcsan",
        presets=tuple(tcsan_config.PRESETS),
        preset=tcsan_config.preset,
        config_from_dict=tcsan_config.from_dict,
        build=TcsanGenerator,
    ),
    "recurrent_gan": System(
        name="recurrent_gan",
        presets=tuple(recurrent_gan_config.PRESETS),
        preset=recurrent_gan_config.preset,
        config_from_dict=recurrent_gan_config.from_dict,
        build=RecurrentGanGenerator,
    ),
}


def system(name: str) -> System:
    """A system by its name.

    Raises ConfigError where there is none.
    """
    if name not in SYSTEMS:
        raise ConfigError(f"no system {name!r}: one of {', '.join(SYSTEMS)} was expected")
    return SYSTEMS[name]
