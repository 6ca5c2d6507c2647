"""The contract's heart: for every layer and every system, the streamed output is the offline output.

Every preset and every fusion × streams shorter than the lookahead, as long, longer × float64 and float32 × sessions out of step
in one batch; and controls that must fail, because a test that cannot is none.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from realtime.generators.layers.lookahead_conv import LookaheadConv
from realtime.generators.layers.recurrent import RecurrentFusion
from realtime.generators.layers.window_generator import WindowGenerator
from realtime.generators.streaming import FOREVER, run_stream
from realtime.generators.tcsan.tcsan import Tcsan, share_lookahead
from tests.streaming.narrow import FUSIONS, SYSTEM_2, narrow_generator, narrow_system

PRESETS = ("paper", "live", "lite")
SYSTEMS = (
    *PRESETS,
    "live inpainted",
    *(f"live {fusion}" for fusion in FUSIONS[1:]),  # the first is the presets' own
    *(f"{SYSTEM_2}{preset}" for preset in ("paper", "live")),
)
EXACT = {torch.float64: 1e-9, torch.float32: 1e-5}
torch.set_num_threads(1)


def stream_tcsan(network: Tcsan, x_BTC: Tensor, zero_outside: bool = True) -> Tensor:
    """Frame by frame through step(), flushed with anything but zeros: what lies outside must be zeroed by the network itself."""
    batch, frames, channels = x_BTC.shape
    state = {k: v.to(x_BTC.dtype) if v.is_floating_point() else v for k, v in network.initial_state(batch).items()}
    out = []
    for t in range(frames + network.lookahead):
        inside = t < frames
        end = torch.full((batch,), FOREVER if inside or not zero_outside else frames)
        x = x_BTC[:, t] if inside else torch.ones(batch, channels, dtype=x_BTC.dtype)
        y, state = network.step(x, end, state)
        out.append(y)
    return torch.stack(out[network.lookahead :], 1)


@pytest.mark.parametrize(("dilation", "lookahead"), [(d, r) for d in (1, 2, 4, 8) for r in range(d + 1)])
@torch.inference_mode()
def test_a_convolution_streams(dilation: int, lookahead: int) -> None:
    torch.manual_seed(0)
    layer = LookaheadConv(3, 5, dilation=dilation, lookahead=lookahead).double()
    x = torch.randn(2, 3, 23, dtype=torch.float64)
    history, out = layer.initial_history(2).double(), []
    for t in range(23 + lookahead):
        now = x[:, :, t] if t < 23 else torch.zeros(2, 3, dtype=torch.float64)
        y, delayed, history = layer.step(now, history)
        if t >= lookahead:
            assert torch.equal(delayed, x[:, :, t - lookahead])
            out.append(y)
    assert (torch.stack(out, 2) - layer(x)).abs().max() < 1e-12


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("lookahead", [None, 0, 1, 2, 4, 7, 15])
@pytest.mark.parametrize("frames", [1, 2, 5, 40])
@torch.inference_mode()
def test_the_temporal_network_streams(lookahead: int | None, frames: int, attention: bool) -> None:
    torch.manual_seed(1)
    network = Tcsan(12, 64, n_blocks=4, lookahead=lookahead, attention=attention).double().eval()
    x = torch.randn(2, frames, 12, dtype=torch.float64)
    assert (stream_tcsan(network, x) - network(x)).abs().max() < EXACT[torch.float64]


@pytest.mark.parametrize("early", [0, 3])
@pytest.mark.parametrize("frames", [1, 2, 5, 40])
@torch.inference_mode()
def test_the_recurrent_layer_streams(frames: int, early: int) -> None:
    """Noise before the stream's start and after its end is not heard."""
    network, x = _recurrent(frames)
    streamed, state = stream_recurrent(network, x, early=early, first=-early)
    assert (streamed - network(x)).abs().max() < EXACT[torch.float64]
    hidden = state["hidden"]
    for _ in range(3):
        y, state = network.step(torch.randn(2, 12, dtype=torch.float64), torch.full((2,), frames), state)
        assert torch.equal(y, hidden)
        assert torch.equal(state["hidden"], hidden)


@torch.inference_mode()
def test_without_closing_its_ears_before_the_start_the_recurrent_layer_would_fail() -> None:
    network, x = _recurrent(20)
    streamed, _ = stream_recurrent(network, x, early=3, first=0)
    assert (streamed - network(x)).abs().max() > 1e-3


def _recurrent(frames: int) -> tuple[RecurrentFusion, Tensor]:
    torch.manual_seed(1)
    return RecurrentFusion(12, 64).double().eval(), torch.randn(2, frames, 12, dtype=torch.float64)


def stream_recurrent(network: RecurrentFusion, x_BTC: Tensor, *, early: int, first: int) -> tuple[Tensor, dict[str, Tensor]]:
    """`early` frames of noise, the first of which is numbered `first`, then x: the outputs of x, and the state after it."""
    noise = torch.randn(2, early, x_BTC.shape[2], dtype=x_BTC.dtype)
    state = network.initial_state(2)
    state = {"position": state["position"] + first, "hidden": state["hidden"].double()}
    out, end = [], torch.full((2,), FOREVER)
    for x_BC in torch.cat([noise, x_BTC], 1).unbind(1):
        y, state = network.step(x_BC, end, state)
        out.append(y)
    return torch.stack(out[early:], 1), state


def test_lookahead_is_spent_on_the_first_layers_first() -> None:
    assert share_lookahead([1, 2, 4, 8], 4) == [1, 2, 1, 0]
    assert share_lookahead([1, 2, 4, 8], None) == [1, 2, 4, 8]
    assert [narrow_generator(name).lookahead for name in PRESETS] == [15, 1, 1]
    assert {fusion: narrow_generator(f"live {fusion}").lookahead for fusion in FUSIONS} == {
        "tcsan": 1,
        "gru": 0,  # the past alone
        "tcn": 1,
        "attention_tcn": 1,
        "co_attention_tcn": 1,
    }
    assert {narrow_system(f"{SYSTEM_2}{preset}").lookahead for preset in ("paper", "live")} == {0}


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("frames", [1, 2, 3, 16, 41])
@pytest.mark.parametrize("preset", SYSTEMS)
@torch.inference_mode()
def test_a_system_streams(preset: str, frames: int, dtype: torch.dtype) -> None:
    generator, portrait, windows = _case(preset, frames, dtype)
    identity = generator.prepare(portrait)
    offline, streamed = generator(identity, windows), run_stream(generator, identity, windows)
    for name, value in offline.items():
        assert (streamed[name] - value).abs().max() < EXACT[dtype], name
        if frames > 1:
            assert value.flatten(2).std(1).max() > 1e-7, "an output that never moves proves nothing"


@pytest.mark.parametrize("preset", SYSTEMS)
@torch.inference_mode()
def test_sessions_out_of_step_share_a_batch(preset: str) -> None:
    """Two streams of different lengths, the second one five frames later, in one batch from beginning to end."""
    generator, portrait, windows = _case(preset, 20, torch.float64)
    lengths, starts = (20, 9), (0, 5)
    identity = generator.prepare(portrait)
    alone = [generator({k: v[i : i + 1] for k, v in identity.items()}, windows[i : i + 1, : lengths[i]]) for i in (0, 1)]
    state = {k: v.double() if v.is_floating_point() else v for k, v in generator.initial_state(2).items()}
    for now in range(max(a + n for a, n in zip(starts, lengths, strict=True)) + generator.lookahead):
        own = [now - start for start in starts]
        heard = torch.stack([windows[i, min(max(t, 0), 19)] for i, t in enumerate(own)])
        end = torch.tensor([n if t >= n else FOREVER for t, n in zip(own, lengths, strict=True)])
        outputs, after = generator.step(identity, heard, end, state)
        started = torch.tensor([t >= 0 for t in own])
        state = {k: torch.where(started.reshape(-1, *[1] * (v.ndim - 1)), v, state[k]) for k, v in after.items()}
        for i, t in enumerate(own):
            frame = t - generator.lookahead
            if 0 <= frame < lengths[i]:
                for name, value in outputs.items():
                    assert (value[i] - alone[i][name][0, frame]).abs().max() < 1e-9


@torch.inference_mode()
def test_without_zeroing_after_the_end_it_would_fail() -> None:
    torch.manual_seed(1)
    network = Tcsan(12, 64, n_blocks=4, lookahead=None).double().eval()
    x = torch.randn(1, 20, 12, dtype=torch.float64)
    assert (stream_tcsan(network, x, zero_outside=False) - network(x)).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("preset", "spoil"),
    [
        (name, spoil)
        for name in ("live", "live tcn", "live attention_tcn", "live co_attention_tcn")
        for spoil in ("history", "position")
    ]
    + [(name, spoil) for name in ("live gru", f"{SYSTEM_2}live") for spoil in ("hidden", "position")],
)
@torch.inference_mode()
def test_without_its_state_it_would_fail(preset: str, spoil: str) -> None:
    generator, portrait, windows = _case(preset, 20, torch.float64)
    identity = generator.prepare(portrait)
    honest: Callable[..., object] = generator.fusion.step

    def forgetful(x: Tensor, end: Tensor, state: dict[str, Tensor]) -> object:
        kept = {k: torch.zeros_like(v) if spoil in k else v for k, v in state.items()}
        if spoil == "position":
            kept["position"] = kept["position"] - 10  # frames that are there count as not begun
        return honest(x, end, kept)

    offline = generator(identity, windows)
    generator.fusion.step = forgetful
    streamed = run_stream(generator, identity, windows)
    assert max((streamed[k] - v).abs().max().item() for k, v in offline.items()) > 1e-3


def _case(preset: str, frames: int, dtype: torch.dtype) -> tuple[WindowGenerator, Tensor, Tensor]:
    generator = narrow_system(preset).to(dtype)
    return generator, torch.rand(2, 4, 112, 112, dtype=dtype), torch.randn(2, frames, 12, 28, dtype=dtype)
