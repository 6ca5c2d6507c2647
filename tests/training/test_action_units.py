"""Action units as labels: OpenFace's tables read as they are, and pseudo-labels that say what the landmarks do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realtime import alignment
from realtime.errors import ConfigError
from tests.training.noise import noise_clip
from training.action_units.fit_regressor import Labelled, fit
from training.action_units.geometric import EYE_DISTANCE, INNER_LIPS, GeometricPseudoLabels
from training.action_units.labels import ACTION_UNITS, label_clips, label_source
from training.action_units.landmark_regressor import LandmarkRegressor, found
from training.action_units.openface import OpenFaceTables, read_table
from training.action_units.scores import in_words, unit_scores
from training.preprocessing import JAW, KEPT_LANDMARKS, PreparedClip

NAMES = [f"AU{number:02}" for number in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)]


def table(path: Path, present: np.ndarray, *, rate: float = 25.0, success: np.ndarray | None = None) -> Path:
    """What OpenFace's FeatureExtraction writes for presence [T, 5] of the five units; of the others, nothing occurs."""
    names = ["frame", "face_id", "timestamp", "confidence", "success"]
    names += [f"{name}_r" for name in NAMES] + [f"{name}_c" for name in (*NAMES[:-1], "AU28", "AU45")]
    lines = [", ".join(names)]
    for t, units in enumerate(present):
        on = dict(zip(ACTION_UNITS, units, strict=True))
        seen = 1 if success is None else int(success[t])
        row = [f"{t + 1}", "0", f"{t / rate:.3f}", "0.98", f"{seen}"]
        row += [f"{2.5 if on.get(name) else 0:.2f}" for name in NAMES]
        row += [f"{1.0 if on.get(name) else 0:.2f}" for name in (*NAMES[:-1], "AU28", "AU45")]
        lines.append(", ".join(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_openface_s_presence_is_the_label(tmp_path: Path) -> None:
    present = np.random.default_rng(0).random((40, 5)) < 0.4
    assert np.array_equal(read_table(table(tmp_path / "a.csv", present), 40), present)


@pytest.mark.parametrize("rate", [30.0, 29.97, 50.0])
def test_another_rate_is_laid_on_25_frames_a_second(tmp_path: Path, rate: float) -> None:
    """A unit that is on from 0.4 to 0.8 s is on in frames 10 to 19."""
    times = np.arange(int(1.3 * rate)) / rate
    present = np.zeros((len(times), 5), bool)
    present[(times > 0.385) & (times < 0.785), 3] = True
    found = read_table(table(tmp_path / "a.csv", present, rate=rate), 30)
    assert found.shape == (30, 5)
    assert abs(int(found[:, 3].argmax()) - 10) <= 1
    assert abs(int(found[:, 3].sum()) - 10) <= 1
    assert not found[:, [0, 1, 2, 4]].any()


def test_a_frame_without_a_face_takes_its_neighbour_s_label(tmp_path: Path) -> None:
    present, success = np.zeros((30, 5), bool), np.ones(30, bool)
    present[10:, 0] = True
    success[[9, 20]] = False
    present[20, 0] = False  # what OpenFace says where it saw no face counts for nothing
    found = read_table(table(tmp_path / "a.csv", present, success=success), 30)
    assert found[10:, 0].all()
    success[12:22] = False
    with pytest.raises(ConfigError, match="no face within"):
        read_table(table(tmp_path / "b.csv", present, success=success), 30)
    with pytest.raises(ConfigError, match="no face in any"):
        read_table(table(tmp_path / "c.csv", present, success=np.zeros(30)), 30)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (("AU14_c", "AU14_x"), "no column AU14_c"),
        (("\n7, 0, 0.240", "\n7, 0, 0.200"), "timestamps that rise"),
        (("\n7, 0, 0.240", "\n7, 0, soon"), "damaged"),
        (("\n7, 0, 0.240", "\n7, 0, nan"), "numbers throughout"),
        (("2.50", "7.50"), "intensity of 0 to 5"),
        ((", 1.00,", ", 0.50,"), "presence of 0 or 1"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, harm: tuple[str, str], said: str) -> None:
    path = table(tmp_path / "a.csv", np.eye(30, 5, dtype=bool))
    assert harm[0] in path.read_text()
    path.write_text(path.read_text().replace(*harm))
    with pytest.raises(ConfigError, match=said):
        read_table(path, 30)


def test_a_table_too_short_or_empty_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", np.zeros((30, 5), bool))
    with pytest.raises(ConfigError, match="another video's table"):
        read_table(path, 60)
    path.write_text(path.read_text().split("\n")[0])
    with pytest.raises(ConfigError, match="no rows"):
        read_table(path, 30)


def test_tables_are_found_by_speaker_and_clip_and_a_clip_without_one_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clips = [noise_clip(speaker) for speaker in ("a", "b", "c")]
    present = np.zeros((30, 5), bool)
    present[:15, 2] = True
    table(tmp_path / "a" / "x.csv", present)
    table(tmp_path / "b_x.csv", ~present)
    source = label_source(f"openface:{tmp_path}")
    assert isinstance(source, OpenFaceTables)
    found = label_clips(source, clips)
    assert set(found.clips) == {"a/x", "b/x"}
    assert found.rates == (0.5,) * 5
    assert found.origin() == {"action_units": "OpenFace 2.x", "action_unit_rates": dict.fromkeys(ACTION_UNITS, 0.5)}
    assert "c/x.csv does not exist" in caplog.text
    with pytest.raises(ConfigError, match="not one clip"):
        label_clips(source, clips[2:])


def test_sources_by_name() -> None:
    assert label_source("none") is None
    geometric = label_source("geometric")
    assert geometric is not None
    assert geometric.name == "geometric pseudo-labels"
    regressor = label_source("regressor")
    assert regressor is not None
    assert regressor.name == "landmark regressor learnt from synthetic clips"
    for text in ("openface:", "openface", "mediapipe"):
        with pytest.raises(ConfigError, match="no source of action units"):
            label_source(text)


@pytest.mark.parametrize(
    ("unit", "moves"),
    [
        ("AU10", {(37, 0, 267): (0, -0.03)}),
        ("AU14", {(61,): (-0.01, -0.005), (291,): (0.01, -0.005)}),
        ("AU20", {(61,): (-0.02, 0.01), (291,): (0.02, 0.01)}),
        ("AU25", {(14, 87, 317): (0, 0.06)}),
        ("AU26", {(148, 152, 377): (0, 0.1)}),
    ],
)
def test_each_pseudo_label_follows_its_own_points(
    prepared: list[PreparedClip], unit: str, moves: dict[tuple[int, ...], tuple[float, float]]
) -> None:
    """A face at rest whose named points move (eye distances) from frame 15 to 25: that unit alone, and then alone."""
    clip = moved(prepared[2], moves)
    labels = GeometricPseudoLabels().of(clip)
    assert labels.shape == (30, 5)
    expected = np.zeros((30, 5), bool)
    expected[15:25, ACTION_UNITS.index(unit)] = True
    assert np.array_equal(labels, expected)


@pytest.mark.parametrize(
    ("unit", "moves"),
    [
        ("AU25", {(13, 82, 312): (0, -0.06), (14, 87, 317): (0, 0.06)}),
        ("AU26", {(*JAW, 14, 87, 317, 178, 402, 17, 84, 314, 181, 405): (0, 0.15)}),
    ],
)
def test_the_regressor_sees_what_moves(
    prepared: list[PreparedClip], unit: str, moves: dict[tuple[int, ...], tuple[float, float]]
) -> None:
    labels, index = LandmarkRegressor().of(moved(prepared[2], moves)), ACTION_UNITS.index(unit)
    assert labels.shape == (30, 5)
    assert labels[16:24, index].all()
    assert not labels[[*range(14), *range(26, 30)], index].any()


def test_a_regression_finds_on_another_face_what_it_learnt() -> None:
    """Faces whose chin drops where AU26 is said to occur, and whose lips part where AU25 is: found on a third face."""
    rng = np.random.default_rng(0)
    faces = [made_to_drop(rng, actor) for actor in "abc"]
    weights = fit(faces[:2])
    told = found(faces[2].landmarks, weights)
    for unit in ("AU25", "AU26"):
        index = ACTION_UNITS.index(unit)
        assert (told[:, index] == faces[2].labels[:, index]).mean() > 0.9, unit
    shuffled = [replace(face, labels=rng.permutation(face.labels)) for face in faces[:2]]
    agreement = (found(faces[2].landmarks, fit(shuffled)) == faces[2].labels)[:, 3:].mean()
    assert agreement < 0.8


def made_to_drop(rng: np.random.Generator, actor: str) -> Labelled:
    """300 frames of a face of its own, with the tracker's noise."""
    face = rng.uniform(20, 90, (len(KEPT_LANDMARKS), 2))
    labels = np.zeros((300, 5), bool)
    labels[:, 3], labels[:, 4] = np.arange(300) // 7 % 2 == 0, np.arange(300) // 10 % 2 == 0
    points = np.repeat(face[None], 300, 0) + rng.normal(0, 0.1, (300, *face.shape))
    for upper, lower in INNER_LIPS:
        a, b = KEPT_LANDMARKS.index(upper), KEPT_LANDMARKS.index(lower)
        points[:, b] = points[:, a] + np.outer(1 + 3 * labels[:, 3], (0, 1)) + rng.normal(0, 0.1, (300, 2))
    points[:, [KEPT_LANDMARKS.index(i) for i in JAW], 1] += 3 * labels[:, 4, None]
    return Labelled(actor=actor, landmarks=points.astype(np.float32), labels=labels)


def test_a_whole_mesh_says_what_its_kept_points_say(prepared: list[PreparedClip]) -> None:
    """However the face is turned and scaled in the picture: the crop takes it away."""
    clip = moved(prepared[2], {(14, 87, 317): (0, 0.06)})
    mesh = np.zeros((30, 478, 2), np.float32)
    mesh[:, list(KEPT_LANDMARKS)] = clip.landmarks
    turn = np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]) * 3
    for source in (GeometricPseudoLabels(), LandmarkRegressor()):
        assert np.array_equal(source((mesh @ turn + 50).astype(np.float32)), source.of(clip))


def test_speech_opens_the_lips_in_the_miniature_corpus(prepared: list[PreparedClip]) -> None:
    found = label_clips(GeometricPseudoLabels(), prepared)
    assert 0.1 < found.by_unit()["AU25"] < 0.95


def test_scores_are_those_of_tables_1_and_6() -> None:
    labels, found = np.zeros((10, 5), bool), np.zeros((10, 5), bool)
    labels[:4, 0], found[:5, 0] = True, True
    labels[:2, 1] = True
    scores = unit_scores(found, labels)
    assert scores["AU10"] == {"f1": pytest.approx(8 / 9), "accuracy": pytest.approx(0.9)}
    assert scores["AU14"] == {"f1": 0, "accuracy": pytest.approx(0.8)}
    assert np.isnan(scores["AU20"]["f1"])  # it neither occurs nor is found
    assert scores["average"] == {"f1": pytest.approx(4 / 9), "accuracy": pytest.approx((0.9 + 0.8 + 3) / 5)}
    assert in_words(scores).startswith("AU10 90 % F1 0.89, AU14 80 % F1 0.00")


def moved(clip: PreparedClip, moves: dict[tuple[int, ...], tuple[float, float]]) -> PreparedClip:
    """The clip's first face, closed and still, with the moves in frames 15 to 24."""
    rest = clip.landmarks[0].copy()
    for upper, lower in ((13, 14), (82, 87), (312, 317)):
        rest[KEPT_LANDMARKS.index(lower)] = rest[KEPT_LANDMARKS.index(upper)]
    landmarks = np.repeat(rest[None], 30, 0)
    for points, shift in moves.items():
        for point in points:
            landmarks[15:25, KEPT_LANDMARKS.index(point)] += np.array(shift, np.float32) * EYE_DISTANCE
    return PreparedClip(key=clip.key, speaker=clip.speaker, crops=clip.crops, landmarks=landmarks, pcm=clip.pcm)


def test_a_crop_s_eye_distance_is_the_unit() -> None:
    eyes = alignment._CANONICAL[:4].reshape(2, 2, 2).mean(1)
    assert np.hypot(*(eyes[1] - eyes[0])) == pytest.approx(EYE_DISTANCE)
