"""The step in 8 bits: NNCF, calibrated on speech and portraits, but not on the very streams that prove it."""

import logging
from pathlib import Path
from typing import Any

import nncf
import openvino as ov
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
from nncf.quantization.range_estimator import (
    AggregatorType,
    RangeEstimatorParameters,
    StatisticsCollectorParameters,
    StatisticsType,
)

from export import parity
from export.material import calibration_streams
from realtime.model_spec import ModelSpec
from realtime.runners.openvino_runner import GRAPHS, OpenVinoRunner
from realtime.runners.ports import step_inputs
from realtime.runners.runner import Arrays

BATCH = 3
KEPT_IN_FLOAT = (".*tcsan.*", ".*fusion.*", ".*audio_encoder.*", ".*action_units.*", ".*head.fc.*")
"""Names of layers that are not quantised: what listens and remembers is small beside the head's convolutions, and its rounding
is what moves the lips (docs/decisions/0017)."""
WHOLE_RANGE = RangeEstimatorParameters(
    min=StatisticsCollectorParameters(statistics_type=StatisticsType.MIN, aggregator_type=AggregatorType.MIN),
    max=StatisticsCollectorParameters(statistics_type=StatisticsType.MAX, aggregator_type=AggregatorType.MAX),
)
"""Of everything that was seen: NNCF's mean of each step's range is that of the silences, and cuts speech off."""


def write_step(spec: ModelSpec, folder: Path, kept: tuple[str, ...] = KEPT_IN_FLOAT) -> None:
    """Quantises the folder's `step.xml` into `step_int8.xml`."""
    logging.getLogger("nncf").setLevel(logging.WARNING)
    samples = _samples(OpenVinoRunner(folder, precision="f32"), spec)
    ports = step_inputs(spec)
    model = ov.Core().read_model(folder / GRAPHS["f32"])
    model.reshape({name: [BATCH, *shape] for name, (shape, _) in ports.items()})
    quantised = nncf.quantize(
        model,
        nncf.Dataset(samples),
        subset_size=len(samples),
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(patterns=list(kept), validate=False),
        advanced_parameters=AdvancedQuantizationParameters(activations_range_estimator_params=WHOLE_RANGE),
    )
    quantised.reshape({name: [-1, *shape] for name, (shape, _) in ports.items()})
    ov.save_model(quantised, folder / GRAPHS["int8"])


def _samples(runner: OpenVinoRunner, spec: ModelSpec) -> list[Arrays]:
    """The step's inputs over whole streams, states included."""
    kept: list[Arrays] = []
    step = runner.step

    def remember(identity: Arrays, window: Any, end: Any, state: Arrays) -> tuple[Arrays, Arrays]:
        kept.append({"window": window, "end": end, **identity, **state})
        return step(identity, window, end, state)

    runner.step = remember  # type: ignore[method-assign]
    for _ in parity.play(runner, calibration_streams(spec.window_offset_hops), BATCH):
        pass
    return kept
