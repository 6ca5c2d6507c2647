"""System 1 in one piece: windows of speech + a portrait → its moving mouth."""

from realtime.generators.layers.window_generator import WindowGenerator
from realtime.generators.tcsan.config import TcsanConfig
from realtime.generators.tcsan.fusion import Fusing, build_fusion


class TcsanGenerator(WindowGenerator):
    """The published encoders, Audio2AU and TCSAN (or another of `fusion.py`), and one of two heads.

    Source: papers/1, section 3.1. tcsan: the fusion, whichever it is: the name is in every checkpoint.
    """

    config: TcsanConfig

    def build_fusion(self, config: TcsanConfig, *, face: int, speech: int) -> None:
        self.tcsan = build_fusion(config, face=face, speech=speech)

    @property
    def fusion(self) -> Fusing:
        return self.tcsan
