"""What systems have in common that draw a frame from the portrait and one window of MFCC a frame; they differ in the fusion."""

from abc import abstractmethod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from realtime.generators.layers import audio2au, audio_encoder, identity
from realtime.generators.layers.audio2au import ActionUnits
from realtime.generators.layers.audio_encoder import AudioEncoder
from realtime.generators.layers.decoder import PixelHead
from realtime.generators.layers.flow_head import FlowHead
from realtime.generators.layers.identity import IdentityEncoder
from realtime.generators.streaming import Tensors

# B sessions, T frames, M coefficients (12), H hops (28)


class WindowConfig(Protocol):
    """What of a system's configuration is read here; `to_dict` is what a checkpoint keeps of it."""

    def to_dict(self) -> dict[str, Any]: ...

    @property
    def head(self) -> Any: ...

    @property
    def identity_channels(self) -> int: ...

    @property
    def audio_channels(self) -> int: ...

    @property
    def au_channels(self) -> int: ...

    @property
    def au_hidden(self) -> int: ...

    @property
    def audio2au(self) -> bool: ...

    @property
    def fusion_channels(self) -> int: ...

    @property
    def head_channels(self) -> int: ...

    @property
    def mouth(self) -> Any: ...


class WindowGenerator(nn.Module):
    """The encoders, Audio2AU and one of two heads that papers/1 and papers/2 share; a system adds `build_fusion` and `fusion`.

    Its keeping of the streaming contract: `realtime.generators.streaming`. action_units: None without Audio2AU.
    mfcc_mean, mfcc_std [12]: of the training speech; windows are standardised by them.
    """

    mfcc_mean: Tensor
    mfcc_std: Tensor

    def __init__(self, config: WindowConfig) -> None:
        super().__init__()
        self.config = config
        self.identity_encoder = IdentityEncoder(config.identity_channels)
        self.audio_encoder = AudioEncoder(config.audio_channels)
        self.action_units = ActionUnits(config.au_channels, config.au_hidden) if config.audio2au else None
        speech = audio_encoder.FEATURE + audio2au.FEATURE * len(audio2au.ACTION_UNITS) * config.audio2au
        self.build_fusion(config, face=identity.FEATURE, speech=speech)
        shape = (config.fusion_channels, self.identity_encoder.widths, config.head_channels)
        self.head = FlowHead(*shape, mouth_is=config.mouth) if config.head == "flow" else PixelHead(*shape)
        self.register_buffer("mfcc_mean", torch.zeros(12))
        self.register_buffer("mfcc_std", torch.ones(12))

    @abstractmethod
    def build_fusion(self, config: Any, *, face: int, speech: int) -> None:
        """Adds the network that fuses `face` + `speech` numbers a frame, under the name that it has in checkpoints."""

    @property
    @abstractmethod
    def fusion(self) -> Any:
        """That network: offline call, `lookahead`, `initial_state`, `step`."""

    @property
    def lookahead(self) -> int:
        return int(self.fusion.lookahead)

    def prepare(self, portrait: Tensor) -> Tensors:
        """Portrait [B, 4, 112, 112], RGB and lip map in 0..1 → everything about it that a session keeps."""
        feature, maps = self.identity_encoder(portrait)
        return {"identity_feature": feature, **self.head.session(portrait, maps)}

    def initial_state(self, batch: int) -> Tensors:
        state: Tensors = self.fusion.initial_state(batch)
        return state

    def standardised(self, window: Tensor) -> Tensor:
        """Windows [N, M, H] as the encoders take them."""
        return (window - self.mfcc_mean[:, None]) * (1 / self.mfcc_std[:, None])

    def listen(self, window: Tensor) -> Tensor:
        """Window [N, M, H] → audio and action-unit features [N, 832], or audio features alone [N, 512]."""
        x = self.standardised(window)
        heard: Tensor = self.audio_encoder(x)
        return heard if self.action_units is None else torch.cat([heard, self.action_units(x)], 1)

    def fuse(self, identity: Tensors, windows: Tensor) -> Tensor:
        """Offline up to the head: windows [B, T, M, H] → [B, T, C]."""
        batch, frames = windows.shape[:2]
        heard = self.listen(windows.flatten(0, 1)).unflatten(0, (batch, frames))
        who = identity["identity_feature"][:, None].expand(-1, frames, -1)
        fused: Tensor = self.fusion(torch.cat([who, heard], 2))
        return fused

    def forward(self, identity: Tensors, windows: Tensor) -> Tensors:
        """Offline reference: windows [B, T, M, H] → the head's outputs [B, T, ...]."""
        fused = self.fuse(identity, windows)
        outputs = self.head(fused.flatten(0, 1), identity)
        return {name: value.unflatten(0, fused.shape[:2]) for name, value in outputs.items()}

    def step(self, identity: Tensors, window: Tensor, end: Tensor, state: Tensors) -> tuple[Tensors, Tensors]:
        """One frame: window [B, M, H] in, the head's outputs of the frame `lookahead` before it."""
        x = torch.cat([identity["identity_feature"], self.listen(window)], 1)
        fused, state = self.fusion.step(x, end, state)
        return self.head(fused, identity), state
