"""The bitrate benchmark's own measures: they must be right before what they say is."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from realtime.compositor import Compositor
from realtime.motion.basis import learn
from realtime.motion.field import field_of
from realtime.portrait import prepare_portrait
from server.bench import rungs
from server.bench.bitrate import measure
from server.bench.call_delay import mouth_box
from server.bench.picture_quality import Quality, ssim
from server.bench.subject import Subject
from server.bench.video_codecs import VideoTrial
from server.bench.wire import kbps, message_bytes, video_bytes
from server.portraits import SHIPPED
from tests.unit.motion_atlas import made_up_frames


def test_ssim_is_the_published_one() -> None:
    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(60, 80)), 0), 1)
    grey = ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)
    noisy = np.clip(grey + rng.normal(0, 9, grey.shape), 0, 255).astype(np.uint8)
    published = structural_similarity(grey, noisy, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    a, b = (np.repeat(x[..., None], 3, 2) for x in (grey, noisy))
    assert ssim(a, b) == pytest.approx(published, abs=2e-3)
    assert ssim(a, a) == pytest.approx(1)


def test_equal_pictures_have_the_best_figures() -> None:
    quality = Quality()
    picture = np.random.default_rng(0).integers(0, 255, (30, 30, 3), np.uint8)
    quality.add(picture, picture)
    assert quality.figures() == {"psnr_mouth": 99.0, "ssim_mouth": 1.0, "ssim_mouth_worst": 1.0, "lpips_mouth": None}


def test_headers_are_counted() -> None:
    assert message_bytes(20) == 20 + 12 + 16 + 37 + 28  # SCTP, its chunk, DTLS, UDP and IP
    assert message_bytes(21) == message_bytes(24)  # chunks are padded
    assert video_bytes(100) == 100 + 4 + 30 + 28
    assert video_bytes(2000) == 2000 + 2 * (4 + 30 + 28)
    assert kbps(1000, 2) == 4


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_a_codec_gives_every_picture_back_at_once(codec: str) -> None:
    trial = VideoTrial(codec, 64, 200_000)
    for index in range(4):
        wanted = np.full((64, 64, 3), 60 + 40 * index, np.uint8)
        shown, size = trial.push(wanted, index)
        assert size > 0
        assert np.abs(shown.astype(int) - wanted).mean() < 6


def test_one_portrait_is_measured_whole() -> None:
    portrait = prepare_portrait((SHIPPED / "speaker-26.jpg").read_bytes(), 256)
    frames, learnt = made_up_frames(36, seed=1), made_up_frames(120)
    field = field_of(portrait, "flow")
    subject = Subject(
        name="speaker-26",
        portrait=portrait,
        compositor=Compositor(portrait, "flow"),
        layers=frames,
        atlas=learn(field.vectors(learnt), field, portrait.crop_to_image / 256, 0),
        box=mouth_box(portrait),
        lpips=None,
    )
    figures = measure(subject)
    motion = figures["motion"]
    assert {"motion_kbps", "atlas_kb", "wire_kbps", "ssim_mouth", "psnr_mouth"} <= set(motion)
    assert 0 < motion["motion_kbps"] < motion["wire_kbps"]
    assert motion["ssim_mouth"] > figures["mean_picture"]["ssim_mouth"]
    asked = [video["wire_kbps"] for video in figures["videos"]]
    assert asked == sorted(asked[:5]) + sorted(asked[5:])
    by_rung = rungs.measure(subject, motion, figures["portrait_at_rest"])
    assert list(by_rung) == ["full", "slow", "motion", "voice"], "of 256 pixels there is no half"
    assert by_rung["full"]["ssim_mouth"] > by_rung["slow"]["ssim_mouth"] > by_rung["voice"]["ssim_mouth"]
    assert by_rung["full"]["wire_kbps"] > by_rung["slow"]["wire_kbps"] > by_rung["motion"]["wire_kbps"]
    assert "| voice | 0.0 |" in rungs.tables(by_rung)[1]
