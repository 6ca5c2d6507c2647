"""System 2 in one piece: windows of speech + a portrait → its moving mouth."""

from realtime.generators.layers.recurrent import RecurrentFusion
from realtime.generators.layers.window_generator import WindowGenerator
from realtime.generators.recurrent_gan.config import RecurrentGanConfig


class RecurrentGanGenerator(WindowGenerator):
    """The published encoders, Audio2AU and GRU, and one of two heads.

    Source: papers/2, section 3.1: f_k = f_id ⊕ f_a ⊕ f_au through a GRU, then the image decoder.
    """

    config: RecurrentGanConfig

    def build_fusion(self, config: RecurrentGanConfig, *, face: int, speech: int) -> None:
        self.recurrent = RecurrentFusion(face + speech, config.fusion_channels)

    @property
    def fusion(self) -> RecurrentFusion:
        return self.recurrent
