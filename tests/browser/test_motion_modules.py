"""The page's own half of the motion stream: it reads the fixture that the server's half reads, and draws what the server
draws."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

from realtime.compositor import Compositor
from realtime.motion.atlas import AtlasReader
from realtime.motion.basis import Projector
from realtime.portrait import prepare_portrait
from server.portraits import SHIPPED
from tests.browser.conftest import LaunchBrowser
from tests.browser.server_process import ROOT, ServerProcess
from tests.browser.test_modules import in_module

FIXTURE = json.loads((ROOT / "tests" / "fixtures" / "motion.json").read_text())
SOFTWARE_GL = ("--enable-unsafe-swiftshader",)
READ_ATLAS = """
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const { AtlasReader, layersOf } = await import('/static/motion/atlas.js');
  const { decodeMessage } = await import('/static/motion/message.js');
  const atlas = new AtlasReader();
"""


@pytest.fixture(scope="module")
def page(launch_browser: LaunchBrowser, fixture_microphone: tuple[str, ...], server: ServerProcess) -> Iterator[Page]:
    context = launch_browser((*fixture_microphone, *SOFTWARE_GL)).new_context()
    page = context.new_page()
    page.goto(server.url)
    yield page
    context.close()


@pytest.mark.parametrize("portion", [97, 1000, 10**6])
def test_the_page_reads_the_atlas_as_it_comes(page: Page, portion: int) -> None:
    body = (
        READ_ATLAS
        + """
      const data = bytes(a.atlas);
      const counts = [];
      for (let i = 0; i < data.length; i += a.portion) counts.push(atlas.push(data.slice(i, i + a.portion)));
      const { flow, paint } = layersOf(atlas, a.drawn.coefficients);
      return { counts, complete: atlas.isComplete, identity: atlas.header.identity,
               flow: a.drawn.flow_places.map((i) => flow[i]), paint: [...paint] };"""
    )
    read = in_module(page, "motion/atlas.js", body, {**FIXTURE, "portion": portion})
    assert read["counts"] == sorted(read["counts"])
    assert (read["complete"], read["identity"], read["counts"][-1]) == (True, FIXTURE["identity"], FIXTURE["components"])
    assert read["flow"] == pytest.approx(FIXTURE["drawn"]["flow"], abs=1e-3)
    bgr = np.array(read["paint"]).reshape(-1, 4)[:, [2, 1, 0, 3]].ravel()
    assert bgr[FIXTURE["drawn"]["paint_places"]] == pytest.approx(np.array(FIXTURE["drawn"]["paint"]), abs=5e-2)


def test_the_page_reads_every_message(page: Page) -> None:
    body = READ_ATLAS + "atlas.push(bytes(a.atlas)); return a.messages.map((m) => decodeMessage(bytes(m.data), atlas));"
    read = in_module(page, "motion/message.js", body, FIXTURE)
    for entry, message in zip(FIXTURE["messages"], read, strict=True):
        assert message["firstFrame"] == entry["first_frame"]
        for frame, told in zip(message["frames"], entry["frames"], strict=True):
            assert frame["coefficients"] == told["coefficients"]
            assert frame["actionUnits"] == pytest.approx(told["action_units"], abs=1e-6)
            assert frame["pose"] == pytest.approx(told["pose"], abs=1e-9)


def test_messages_are_read_whole_before_the_atlas_is(page: Page) -> None:
    body = (
        READ_ATLAS
        + """
      atlas.push(bytes(a.atlas).slice(0, 1500));
      const few = atlas.components.length;
      const layers = layersOf(atlas, a.drawn.coefficients);
      return [few, a.messages.map((m) => decodeMessage(bytes(m.data), atlas).frames.map((f) => f.coefficients)),
              layers.flow.some((v) => v !== 0)];"""
    )
    few, rows, drawn = in_module(page, "motion/message.js", body, FIXTURE)
    assert 0 < few < FIXTURE["components"]
    assert rows == [[frame["coefficients"] for frame in entry["frames"]] for entry in FIXTURE["messages"]]
    assert drawn


@pytest.mark.parametrize("entry", FIXTURE["refused_atlases"], ids=lambda entry: entry["what"])
def test_a_damaged_atlas_is_refused(page: Page, entry: dict[str, str]) -> None:
    body = (
        READ_ATLAS
        + """
      try { atlas.push(bytes(a)); return null; } catch (error) { return [error.constructor.name, error.message]; }"""
    )
    told = in_module(page, "motion/atlas.js", body, entry["data"])
    assert told is not None
    assert told[0] == "MotionError"
    assert len(told[1]) > 10


@pytest.mark.parametrize("entry", FIXTURE["refused_messages"], ids=lambda entry: entry["what"])
def test_a_damaged_message_is_refused(page: Page, entry: dict[str, str]) -> None:
    body = (
        READ_ATLAS
        + """
      atlas.push(bytes(a.atlas));
      try { decodeMessage(bytes(a.data), atlas); return null; } catch (error) { return error.constructor.name; }"""
    )
    assert in_module(page, "motion/message.js", body, {**entry, "atlas": FIXTURE["atlas"]}) == "MotionError"


@pytest.mark.parametrize("painter", ["gl_painter.js:GlPainter", "canvas_painter.js:CanvasPainter"])
def test_the_page_draws_what_the_server_draws(page: Page, painter: str) -> None:
    """On the portrait of the fixture's atlas, losslessly sent: the server's compositor, and the page's painter."""
    portrait = prepare_portrait((SHIPPED / "speaker-26.jpg").read_bytes())
    reader = AtlasReader()
    reader.push(base64.b64decode(FIXTURE["atlas"]))
    rows = [frame["coefficients"] for frame in FIXTURE["messages"][0]["frames"]] + [FIXTURE["drawn"]["coefficients"]]
    wanted = [Compositor(portrait, "flow").draw(Projector(reader.atlas).layers(tuple(row))) for row in rows]
    shown = drawn_by_page(page, painter, portrait.image, rows)
    for picture, other in zip(shown, wanted, strict=True):
        difference = np.abs(picture.astype(int) - other)
        moved = np.abs(other.astype(int) - portrait.image).max(2) > 4
        assert moved.sum() > 2000, "the frame moves nothing: it proves nothing"
        assert difference[moved].mean() < 1.0
        assert np.percentile(difference, 99.9) <= 5
        assert difference[~moved].mean() < 0.1


@pytest.mark.parametrize("painter", ["gl_painter.js:GlPainter", "canvas_painter.js:CanvasPainter"])
def test_rest_is_the_portrait_to_the_byte(page: Page, painter: str) -> None:
    image = prepare_portrait((SHIPPED / "speaker-26.jpg").read_bytes()).image
    (shown,) = drawn_by_page(page, painter, image, [[0] * FIXTURE["components"]])
    np.testing.assert_array_equal(shown, image)


def drawn_by_page(page: Page, painter: str, image: NDArray[np.uint8], rows: list[list[int]]) -> list[NDArray[np.uint8]]:
    module, name = painter.split(":")
    _, png = cv2.imencode(".png", image)
    body = (
        READ_ATLAS
        + """
      atlas.push(bytes(a.atlas));
      const bitmap = await createImageBitmap(new Blob([bytes(a.png)]), { colorSpaceConversion: 'none' });
      const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height });
      const painter = new m[a.name](canvas, bitmap, atlas);
      const flat = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
      return a.rows.map((row) => {
        painter.draw(layersOf(atlas, row));
        flat.drawImage(canvas, 0, 0);
        const { data } = flat.getImageData(0, 0, canvas.width, canvas.height);
        let text = '';
        for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
        return btoa(text);
      });"""
    )
    argument: dict[str, Any] = {
        "atlas": FIXTURE["atlas"],
        "png": base64.b64encode(png.tobytes()).decode(),
        "name": name,
        "rows": rows,
    }
    pictures = in_module(page, f"motion/{module}", body, argument)
    side = image.shape[0]
    return [np.frombuffer(base64.b64decode(text), np.uint8).reshape(side, side, 4)[..., 2::-1] for text in pictures]


def test_loss_disorder_and_doubles_heal(page: Page) -> None:
    """A timeline that got one message of four twice, one never, and all in disorder shows what it has, and rests without news."""
    body = """
      const message = (first) => ({ firstFrame: first, frames: [0, 1, 2].map((i) => ({ coefficients: [first + i] })) });
      const timeline = new m.Timeline();
      [6, 0, 6, 9].forEach((first) => timeline.add(message(first)));
      const at = (frame) => timeline.at(40 * frame + 5);
      return [0, 2, 4, 5, 6, 8, 11, 12, 30, 60].map((frame) => at(frame).frame);"""
    assert in_module(page, "motion/timeline.js", body) == [0, 2, 2, 2, 6, 8, 11, 11, 11, None]


def test_a_clock_that_falls_back_shows_no_frame_again(page: Page) -> None:
    """The voice's clock falls back by a few ms, and a late message repeats what was seen: the frame stands."""
    body = """
      const message = (first) => ({ firstFrame: first, frames: [0, 1, 2].map((i) => ({ coefficients: [first + i] })) });
      const timeline = new m.Timeline();
      return [[220, 221.02], [220, 220.98], [220, 221.02], [222, 220.5], [222, 222.1], [180, 180.5]].map(([first, frame]) => {
        timeline.add(message(first));
        return timeline.at(40 * frame).frame;
      });"""
    assert in_module(page, "motion/timeline.js", body) == [221, 221, 221, 221, 222, 180]


def test_frames_that_come_in_time_are_counted_once(page: Page) -> None:
    body = """
      const message = (first, count) => ({ firstFrame: first, frames: Array(count).fill({ coefficients: [first] }) });
      const timeline = new m.Timeline();
      return [[0, 3, 0], [0, 6, 0], [6, 6, 13], [9, 6, 13]].map(([first, count, now]) => {
        timeline.at(40 * now);
        timeline.add(message(first, count));
        return timeline.came;
      });"""
    assert in_module(page, "motion/timeline.js", body) == [3, 6, 6, 8]


def test_pictures_that_come_late_are_waited_for_within_bounds(page: Page) -> None:
    """A picture may follow its voice by 25 ms, and no more; once messages are in time again, it comes nearer."""
    body = """
      const lag = new m.Lag();
      return [-50, 15, 10, 500, ...Array(200).fill(-20), ...Array(200).fill(-20)].map((late) => (lag.arrived(late), lag.ms));"""
    told = in_module(page, "motion/lag.js", body)
    assert told[:4] == [0, 15, pytest.approx(14.9), 25]
    assert told[203] == pytest.approx(5)
    assert told[-1] == 0


def test_a_timeline_keeps_no_more_than_it_needs(page: Page) -> None:
    body = """
      const timeline = new m.Timeline();
      for (let i = 0; i < 5000; i++) timeline.add({ firstFrame: i * 7919 % 2 ** 32, frames: [{ coefficients: [i] }] });
      timeline.add({ firstFrame: 4294967295, frames: [{ coefficients: [1] }, { coefficients: [2] }] });
      return timeline.at(1e15).frame;"""
    assert in_module(page, "motion/timeline.js", body) is None
