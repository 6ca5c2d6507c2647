"""The ways to fuse a face and its speech over time that papers/1, table 3, compares: one interface, five networks.

    lookahead                                    future frames that a frame needs
    forward(x_BTC) -> y_BTC                      offline
    initial_state(batch) -> state                flat dict of tensors, batch first
    step(x_BC, end, state) -> (y_BC, state)      one frame in, the frame `lookahead` before it out

The table's models are without Audio2AU (`TcsanConfig.audio2au`). The paper gives the comparisons one line each; what it leaves
open is said where it is chosen.
"""

from realtime.generators.layers.recurrent import RecurrentFusion
from realtime.generators.tcsan.attention_first import AttentionFirst, CoAttended, SelfAttended
from realtime.generators.tcsan.config import TcsanConfig
from realtime.generators.tcsan.tcsan import Tcsan

Fusing = Tcsan | RecurrentFusion | AttentionFirst


def build_fusion(config: TcsanConfig, *, face: int, speech: int) -> Fusing:
    """The configured network for features of `face` + `speech` numbers a frame."""
    if config.fusion == "gru":
        return RecurrentFusion(face + speech, config.fusion_channels)
    attention = config.fusion == "tcsan"
    temporal = Tcsan(
        face + speech, config.fusion_channels, n_blocks=config.n_blocks, lookahead=config.lookahead, attention=attention
    )
    if config.fusion == "attention_tcn":
        return AttentionFirst(SelfAttended(face, speech), temporal)
    if config.fusion == "co_attention_tcn":
        return AttentionFirst(CoAttended(face, speech), temporal)
    return temporal
