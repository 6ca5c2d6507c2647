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
from export.material import Stream
from realtime.errors import ModelError
from realtime.model_spec import ModelSpec
from realtime.runners.openvino_runner import GRAPHS, OpenVinoRunner
from realtime.runners.ports import step_inputs
from realtime.runners.runner import Arrays

BATCH = 3
PORTS = ("Parameter", "Constant", "Result")
QUANTISED, NOT_QUANTISED = ".head.", ".head.fc"
"""Parts of names: the head, less its first layer. What listens and remembers is small beside it, and its rounding is what moves
the lips (docs/decisions/0017); it cannot be named itself, since folding a normalisation into a layer takes its name away."""
WHOLE_RANGE = RangeEstimatorParameters(
    min=StatisticsCollectorParameters(statistics_type=StatisticsType.MIN, aggregator_type=AggregatorType.MIN),
    max=StatisticsCollectorParameters(statistics_type=StatisticsType.MAX, aggregator_type=AggregatorType.MAX),
)
"""Of everything that was seen: NNCF's mean of each step's range is that of the silences, and cuts speech off."""


def write_step(spec: ModelSpec, folder: Path, heard: list[Stream]) -> None:
    """Quantises the folder's `step.xml` into `step_int8.xml`. heard: streams that it is calibrated on."""
    logging.getLogger("nncf").setLevel(logging.WARNING)
    samples = _samples(OpenVinoRunner(folder, precision="f32"), heard)
    ports = step_inputs(spec)
    model = ov.Core().read_model(folder / GRAPHS["f32"])
    model.reshape({name: [BATCH, *shape] for name, (shape, _) in ports.items()})
    quantised = nncf.quantize(
        model,
        nncf.Dataset(samples),
        subset_size=len(samples),
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(names=_kept_in_float(model)),
        advanced_parameters=AdvancedQuantizationParameters(activations_range_estimator_params=WHOLE_RANGE),
    )
    quantised.reshape({name: [-1, *shape] for name, (shape, _) in ports.items()})
    ov.save_model(quantised, folder / GRAPHS["int8"])


def _kept_in_float(model: ov.Model) -> list[str]:
    """Names of what is not quantised.

    Raises ModelError where nothing would be left to quantise.
    """
    names = [node.get_friendly_name() for node in model.get_ordered_ops() if node.get_type_name() not in PORTS]
    kept = [name for name in names if QUANTISED not in name or NOT_QUANTISED in name]
    if len(kept) == len(names):
        raise ModelError(f"no layer's name has {QUANTISED!r} in it: nothing to quantise was found among {len(names)} layers")
    return kept


def _samples(runner: OpenVinoRunner, heard: list[Stream]) -> list[Arrays]:
    """The step's inputs over whole streams, states included."""
    kept: list[Arrays] = []
    step = runner.step

    def remember(identity: Arrays, window: Any, end: Any, state: Arrays) -> tuple[Arrays, Arrays]:
        kept.append({"window": window, "end": end, **identity, **state})
        return step(identity, window, end, state)

    runner.step = remember  # type: ignore[method-assign]
    for _ in parity.play(runner, heard, BATCH):
        pass
    return kept
