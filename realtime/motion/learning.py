"""A portrait's atlas, learnt from what the real generator does with it over the speech that comes with the program."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from realtime.audio import read_audio_file
from realtime.engine import Engine
from realtime.motion.atlas import Atlas
from realtime.motion.basis import learn
from realtime.motion.field import field_of
from realtime.pipeline import FRAME_SAMPLES
from realtime.portrait import Portrait
from realtime.render import render_frames

SPEECH = Path(__file__).with_name("speech.ogg")
EVERY = 2  # frames: neighbours say much the same
IN_FLIGHT = 3  # calls that run meanwhile go first


def learn_atlas(portrait: Portrait, engine: Engine, identity: int, progress: Callable[[float], None] = lambda _: None) -> Atlas:
    """Seconds of work; other sessions of the engine go on meanwhile. progress: 0..1, now and then.

    Raises CapacityError where the engine has no place.
    """
    pcm = read_audio_file(SPEECH)
    n_frames = -(-len(pcm) // FRAME_SAMPLES)
    field, layers = field_of(portrait, engine.spec.head), []
    for frame in render_frames(portrait, pcm, engine, pictured=lambda: False, in_flight=IN_FLIGHT):
        if frame.index % EVERY == 0:
            layers.append(frame.layers)
            progress(frame.index / n_frames)
    to_picture = portrait.crop_to_image / portrait.image.shape[0]
    return learn(field.vectors(layers), field, to_picture.astype(np.float32).astype(np.float64), identity)
