"""Photographs of every kind: framed alike, or refused with the reason."""

import struct
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from realtime import alignment
from realtime.errors import PortraitError
from realtime.face_landmarks import FaceLandmarker
from realtime.face_search import find_faces
from realtime.portrait import EYE_DISTANCE_OF_SIDE, EYE_LEVEL_OF_SIDE, MAX_BYTES, MAX_PIXELS, decode, prepare_portrait
from tests.unit.portraits import ENTRIES, FOLDER, IDS, encoded, photograph, picture, pixels, portrait, rolled, socket, turned

WHO = "speaker-27"


def reason(data: bytes) -> str:
    with pytest.raises(PortraitError) as refusal:
        prepare_portrait(data)
    assert str(refusal.value).endswith((".", "!")), "a message is a sentence"
    return refusal.value.reason


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(float) - b).mean())


# What is shipped


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_a_shipped_portrait_is_small_credited_and_accepted(entry: dict[str, str]) -> None:
    assert all(entry[key] for key in ("id", "name", "credit", "licence", "source_url", "image"))
    path = FOLDER / entry["image"]
    assert path.stat().st_size <= 150_000
    assert entry["image"] in (FOLDER / "LICENSES.md").read_text()
    assert picture(entry["id"]).size == (640, 640)
    framed = portrait(entry["id"])
    assert framed.image.shape == (512, 512, 3)
    assert framed.crop.shape == (112, 112, 4)


def test_there_are_enough_portraits_and_no_picture_without_an_entry() -> None:
    assert len(IDS) >= 4
    assert len(set(IDS)) == len(IDS)
    assert {path.name for path in FOLDER.glob("*.jpg")} == {entry["image"] for entry in ENTRIES}


# How a face is framed


@pytest.mark.parametrize("name", IDS)
def test_eyes_are_where_the_frame_wants_them(name: str) -> None:
    eyes = alignment.eye_centres(portrait(name).landmarks)
    assert abs(np.hypot(*(eyes[1] - eyes[0])) / 512 - EYE_DISTANCE_OF_SIDE) < 0.02
    assert abs(eyes.mean(0)[1] / 512 - EYE_LEVEL_OF_SIDE) < 0.06


@pytest.mark.parametrize("name", IDS)
def test_the_crop_has_its_eyes_and_upper_lip_in_their_places(name: str) -> None:
    face = portrait(name)
    in_crop = alignment.to_crop(face.landmarks, face.crop_to_image)
    eyes = alignment.eye_centres(in_crop)
    assert abs(eyes[:, 1].mean() - alignment.EYE_LEVEL) < 3
    assert abs(np.hypot(*(eyes[1] - eyes[0])) - 32) < 2
    assert np.abs(in_crop[alignment.UPPER_LIP] - alignment.LIP_PLACE).max() < 0.5


def test_landmarks_lie_on_the_framed_picture_to_a_fraction_of_a_pixel() -> None:
    """Found once in the photograph and once more in the framed picture, they agree: no shift of half a source pixel."""
    small = np.asarray(cv2.resize(pixels(WHO), (213, 213), interpolation=cv2.INTER_AREA), np.uint8)
    framed = prepare_portrait(encoded(small))
    again = find_faces(FaceLandmarker(), framed.image)[0]
    shift = (again[:, :2] - framed.landmarks).mean(0)
    assert np.abs(shift).max() < 0.6, "a pixel of this photograph is 2.4 pixels of the picture"


def test_a_frame_ends_at_the_photographs_border_and_shows_no_bars() -> None:
    tight = pixels(WHO)[140:470, 150:480]
    image = prepare_portrait(encoded(tight)).image
    assert difference(image, np.asarray(cv2.resize(tight, (512, 512), interpolation=cv2.INTER_CUBIC), np.uint8)) < 2


def test_the_frame_of_a_framed_portrait_is_itself() -> None:
    once = portrait(WHO, 512).image
    twice = prepare_portrait(encoded(once)).image
    assert difference(once, twice) < 4


# Every way a picture may be stored


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16", "RGBA"])
def test_every_pixel_format_gives_the_same_face(mode: str) -> None:
    source = picture(WHO)
    sixteen_bits = Image.fromarray(np.asarray(source.convert("L"), np.uint16) * 257)
    stored = sixteen_bits if mode == "I;16" else source.convert(mode)
    framed = prepare_portrait(encoded(stored, "JPEG" if mode == "CMYK" else "PNG"))
    grey = [np.asarray(image.mean(2), np.uint8) for image in (framed.image, portrait(WHO).image)]
    assert difference(grey[0], grey[1]) < 8


def test_webp_is_read() -> None:
    framed = prepare_portrait(encoded(picture(WHO), "WEBP", quality=90))
    assert difference(framed.image, portrait(WHO).image) < 4


def test_transparency_is_laid_on_white() -> None:
    see_through = picture(WHO).convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize((640, 640)))  # clear at the top, solid at the bottom
    flat = decode(encoded(see_through))
    assert flat[0].min() >= 253
    assert difference(flat[-8:], pixels(WHO)[-8:]) < 12


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
def test_the_cameras_orientation_is_honoured(orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = encoded(picture(WHO).transpose(undo[orientation]), "JPEG", exif=exif, quality=95)
    assert difference(decode(stored), pixels(WHO)) < 3


def test_a_large_photograph_is_shrunk() -> None:
    large = picture(WHO).resize((3200, 3200))
    assert max(decode(encoded(large, "JPEG")).shape) == 1600


# Refusals


def test_what_is_no_picture_is_unreadable() -> None:
    whole = photograph(WHO)
    gif = encoded(picture(WHO).resize((64, 64)), "GIF")
    for data in (b"", b"hello", whole[:100], whole[: len(whole) // 2], gif, b"<svg xmlns='http://www.w3.org/2000/svg'/>"):
        assert reason(data) == "unreadable"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_damaged_files_never_raise_anything_else(file_format: str) -> None:
    rng = np.random.default_rng(5)
    whole = np.frombuffer(encoded(picture(WHO).resize((96, 96)), file_format), np.uint8)
    for _ in range(60):
        damaged = whole.copy()
        reach = min(len(whole), int(rng.choice([40, 400, len(whole)])))
        damaged[rng.integers(0, reach, 6)] = rng.integers(0, 256, 6)
        with suppress(PortraitError):
            decode(damaged.tobytes())


def png_header(width: int, height: int) -> bytes:
    """A PNG file that says how large it is, and little else."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    chunks = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("side", [4900, 12_000, 60_000])
def test_a_bomb_is_refused_by_what_its_header_says(side: int) -> None:
    assert side**2 > MAX_PIXELS
    assert reason(png_header(side, side)) == "too_large"


def test_a_file_with_too_many_bytes_is_refused_unread() -> None:
    assert reason(photograph(WHO) + b"\0" * MAX_BYTES) == "too_large"


def landscape() -> NDArray[np.uint8]:
    y = np.linspace(0, 1, 480)[:, None, None]
    hills = 0.55 + 0.1 * np.sin(np.linspace(0, 9, 640))[None, :, None]
    return np.where(y < hills, [230, 180 - 40 * 0.5, 120], [60, 140, 90]).astype(np.uint8)


def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (512, 512, 3), dtype=np.uint8)


@pytest.mark.parametrize("scene", [landscape, noise, socket])
def test_where_there_is_no_face_none_is_found(scene: Callable[[], NDArray[np.uint8]]) -> None:
    assert reason(encoded(scene())) == "no_face"


def test_the_socket_would_pass_for_a_face_if_the_detector_alone_were_asked() -> None:
    assert FaceLandmarker().detect(socket())


def test_a_pixel_is_no_face() -> None:
    assert reason(encoded(np.zeros((1, 1, 3), np.uint8))) == "no_face"
    assert reason(encoded(np.zeros((1, 4000, 3), np.uint8))) == "no_face"


def test_two_people_are_refused() -> None:
    assert reason(encoded(np.hstack([pixels(WHO), pixels("grace-hopper")]))) == "several_faces"


def test_someone_small_in_the_background_does_not_count() -> None:
    photo = pixels(WHO).copy()
    photo[10:230, 10:230] = cv2.resize(pixels("speaker-31"), (220, 220), interpolation=cv2.INTER_AREA)
    assert len(find_faces(FaceLandmarker(), photo)) == 2
    prepare_portrait(encoded(photo))


def far_away(eye_distance: float) -> bytes:
    """A face with that many pixels between its eyes, in a photograph of 1600 x 1200."""
    scale = eye_distance / (EYE_DISTANCE_OF_SIDE * 640)
    small = cv2.resize(pixels(WHO), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    photo = np.full((1200, 1600, 3), (150, 160, 170), np.uint8)
    photo[500 : 500 + small.shape[0], 900 : 900 + small.shape[1]] = small
    return encoded(photo)


def test_a_small_face_in_a_large_photograph_is_found() -> None:
    assert difference(prepare_portrait(far_away(40)).crop[..., :3], portrait(WHO).crop[..., :3]) < 12


def test_a_face_of_too_few_pixels_is_refused_as_that() -> None:
    assert reason(far_away(22)) == "too_small"


def test_the_turned_the_tilted_and_the_upside_down_are_refused() -> None:
    assert reason(encoded(turned("mona-lisa", -25))) == "turned"
    assert reason(encoded(rolled(WHO, 60))) == "turned"
    assert reason(encoded(rolled("speaker-31", 180))) == "turned"


@pytest.mark.parametrize("degrees", [-25.0, 25.0])
def test_a_little_of_either_is_borne(degrees: float) -> None:
    prepare_portrait(encoded(turned(WHO, degrees)))
    face = prepare_portrait(encoded(rolled(WHO, degrees)))
    eyes = alignment.eye_centres(alignment.to_crop(face.landmarks, face.crop_to_image))
    assert abs(eyes[0, 1] - eyes[1, 1]) < 1.5, "the crop stands upright"


def test_portraits_may_be_prepared_in_several_threads() -> None:
    found: dict[str, NDArray[np.uint8]] = {}

    def prepare(name: str) -> None:
        found[name] = prepare_portrait(photograph(name)).crop

    threads = [threading.Thread(target=prepare, args=(name,)) for name in IDS[:3]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in IDS[:3]:
        np.testing.assert_array_equal(found[name], portrait(name).crop)
