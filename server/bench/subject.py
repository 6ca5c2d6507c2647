"""One portrait that speaks, as the bit rate's benchmarks look at it: its frames, and where its mouth is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.compositor import Compositor
from realtime.engine import Engine
from realtime.layers import FaceLayers
from realtime.model_spec import FRAME_MS
from realtime.motion.atlas import Atlas
from realtime.motion.learning import learn_atlas
from realtime.portrait import Portrait
from realtime.render import render_frames
from server.bench.call_delay import Box, mouth_box
from server.bench.perceptual import Distance
from server.bench.picture_quality import Quality

JUDGED_EVERY = 4  # frames
SETTLING_FRAMES = 25
Picture = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One portrait speaking. layers: its frames; box: of the mouth, x, y, width, height in picture pixels."""

    name: str
    portrait: Portrait
    compositor: Compositor
    layers: list[FaceLayers]
    atlas: Atlas
    box: Box
    lpips: Distance | None

    @classmethod
    def speaking(cls, name: str, portrait: Portrait, engine: Engine, pcm: NDArray[np.int16], lpips: Distance | None) -> "Subject":
        """pcm: at 16 kHz [n]."""
        return cls(
            name=name,
            portrait=portrait,
            compositor=Compositor(portrait, engine.spec.head),
            layers=[frame.layers for frame in render_frames(portrait, pcm, engine, pictured=lambda: False)],
            atlas=learn_atlas(portrait, engine, identity=0),
            box=mouth_box(portrait),
            lpips=lpips,
        )

    @property
    def seconds(self) -> float:
        return len(self.layers) * FRAME_MS / 1000

    def mouth(self, picture: Picture) -> Picture:
        x, y, width, height = self.box
        return picture[y : y + height, x : x + width]

    def judge(self, quality: Quality, shown: Picture, wanted: Picture) -> None:
        """Whole pictures, or mouths of `mouth`'s size."""
        whole = shown.shape == self.portrait.image.shape
        quality.add(self.mouth(shown) if whole else shown, wanted, self.lpips)
