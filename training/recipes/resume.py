"""A run goes on only as the run it was: else its checkpoint would say of the weights what is true of their last part."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from realtime.errors import ModelError
from training import checkpoint as checkpoints
from training.checkpoint import Checkpoint

MAY_CHANGE = ("save_minutes", "commit", "command")  # from one part of a run to the next


def same_run(
    path: Path,
    *,
    system: str,
    config: dict[str, Any],
    settings: dict[str, Any],
    origin: dict[str, Any],
    added: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """The checkpoint at `path`, begun by this very run. added: keys of configuration and recipe that its checkpoints did not have
    from the start, with what they stood for then.

    Raises ModelError where it is of another system, configuration, recipe or data, and names what differs.
    """
    kept = checkpoints.load(path)
    pairs = (
        ("system", {"system": kept.system}, {"system": system}),
        ("configuration", _completed(kept.config, config, added), config),
        ("recipe", _completed(kept.recipe, settings, added), settings),
        ("data", kept.data, origin),
    )
    for what, found, wanted in pairs:
        names = sorted(name for name in found.keys() | wanted.keys() if name not in MAY_CHANGE)
        changed = [f"{n}: {found.get(n)!r}, now {wanted.get(n)!r}" for n in names if found.get(n) != wanted.get(n)]
        if changed:
            raise ModelError(
                f"{path} was begun with another {what} ({'; '.join(changed)}): name another folder, or remove it to start anew"
            )
    return kept


def _completed(found: dict[str, Any], wanted: dict[str, Any], added: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (added or {}).items() if name in wanted} | found
