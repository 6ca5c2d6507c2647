"""The proof of one export: what was streamed, against what, and what it showed. Figures go into the manifest."""

from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from export import parity, picture_parity
from export.material import Stream, calibration_streams, first_words, streams
from export.parity import Parity
from export.picture_parity import PictureParity, Viewer
from realtime.model_spec import ModelSpec
from realtime.runners.runner import Arrays, Runner

MIXED_BATCH = 3  # a size that graphs of any size are proven in: no power of two
SEEN_BATCH = 6  # of the pictures that are compared: every stream is in it


class Proof:
    """Holds the float64 reference, computed when first needed, and what was found so far.

    folder: the one that is not written where a limit is passed. learnt: whether the weights are; of others a few frames are
    proven to be the same numbers, and what rounding does to pictures of nothing is not asked.
    """

    def __init__(self, generator: nn.Module, spec: ModelSpec, folder: Path, *, learnt: bool = True) -> None:
        self._generator, self._spec, self._folder, self._learnt = generator, spec, folder, learnt
        self.exact: Parity | None = None
        self.visible: dict[str, PictureParity] = {}

    def exactly(self, runner: Runner, batch: int) -> None:
        """Demands the float32 limit of a batch size.

        Raises ModelError.
        """
        found = parity.compare(self._reference, runner, self._streams, batch)
        parity.demand(found, self._folder)
        if self.exact is None or max(found.largest.values()) > max(self.exact.largest.values()):
            self.exact = found

    def visibly(self, runner: Runner, precision: str, batch: int) -> None:
        """Demands the limits of what is seen, for a precision that rounds.

        Raises ModelError.
        """
        if not self._learnt:
            return
        found = self._viewer.compare(runner, batch)
        picture_parity.demand(found, precision, self._folder)
        kept = self.visible.get(precision)
        if kept is None or found.psnr_db < kept.psnr_db:
            self.visible[precision] = found

    def calibration(self) -> list[Stream]:
        """What a quantised step's ranges are taken from."""
        return (calibration_streams if self._learnt else first_words)(self._spec.window_offset_hops)

    def figures(self) -> dict[str, Any]:
        """What the manifest keeps."""
        figures: dict[str, Any] = {precision: found.figures() for precision, found in self.visible.items()}
        if self.exact is not None:
            figures["float32"] = self.exact.largest
            figures |= {"worst": self.exact.worst, "frames": self.exact.frames, "steps": self.exact.steps}
        return figures

    def __str__(self) -> str:
        parts = []
        if self.exact is not None:
            shown = ", ".join(f"{name} {value:.1e}" for name, value in self.exact.largest.items())
            parts.append(f"float32: {self.exact.frames} frames in {self.exact.steps} steps, largest difference {shown}")
        for precision, found in self.visible.items():
            lips = "no lips move" if found.opening is None else f"lip opening {found.opening:.4f}"
            parts.append(f"{precision}: {found.psnr_db:.1f} dB at worst, {lips}")
        return "; ".join(parts)

    @cached_property
    def _streams(self) -> list[Stream]:
        return (streams if self._learnt else first_words)(self._spec.window_offset_hops)

    @cached_property
    def _reference(self) -> list[Arrays]:
        return [parity.offline(self._generator, stream.portrait.crop, stream.windows) for stream in self._streams]

    @cached_property
    def _viewer(self) -> Viewer:
        return Viewer(self._reference, self._streams, self._spec.head)
