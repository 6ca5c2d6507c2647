"""Which clips a model may be judged on: none that it learnt from, and by default no speaker either."""

from typing import Any, Literal

from realtime.errors import ConfigError
from training.corpora.clip import Clip
from training.split import PAPER, divide

ClipsOf = Literal["unseen", "known"]


def choose_clips(
    clips: list[Clip], corpus: str, held_out: str, clips_of: ClipsOf, origins: dict[str, dict[str, Any]]
) -> list[Clip]:
    """corpus, held_out: as `split.divide` takes them; origins: model → its manifest's `origin`. `unseen`: the held-out clips;
    `known`: clips that training left out of the speakers it learnt from, common to all models (`origin.data.clips_left_out`).

    Raises ConfigError where a model learnt from a speaker who should be unseen, or does not say which clips it left out.
    """
    if clips_of == "known":
        return _known(clips, origins)
    _, test = divide(clips, corpus, held_out)
    speakers = {clip.speaker for clip in test}
    for name, origin in origins.items():
        if _same_split(_data(origin), corpus, held_out):
            continue  # it left out these very clips, as the paper did
        if learnt := sorted(speakers & set(_data(origin).get("speakers", []))):
            raise ConfigError(f"{name} learnt from {', '.join(learnt)}: an unseen speaker was expected (--held-out)")
    return test


def spread_evenly(clips: list[Clip], at_most: int) -> list[Clip]:
    """As many clips at equal steps, first and last among them; 0 takes all."""
    if not 0 < at_most < len(clips):
        return clips
    return [clips[round(i * (len(clips) - 1) / max(at_most - 1, 1))] for i in range(at_most)]


def _known(clips: list[Clip], origins: dict[str, dict[str, Any]]) -> list[Clip]:
    for name, origin in origins.items():
        if not _data(origin).get("clips_left_out"):
            raise ConfigError(
                f"{name}'s manifest names no clips that training left out of its own speakers (origin.data.clips_left_out): "
                "figures on known speakers need some"
            )
    keys = set.intersection(*(set(_data(origin)["clips_left_out"]) for origin in origins.values()))
    test = [clip for clip in clips if clip.key in keys]
    if not test:
        raise ConfigError(f"none of the {len(keys)} clips that training left out is in this corpus folder")
    return test


def _same_split(data: dict[str, Any], corpus: str, held_out: str) -> bool:
    return (data.get("corpus_name"), data.get("split")) == (corpus, PAPER) == (corpus, held_out.strip())


def _data(origin: dict[str, Any]) -> dict[str, Any]:
    return dict(origin.get("data") or {})
