// A portrait drawn from the motion stream, on the voice's clock.

import { AtlasReader, layersOf } from "./atlas.js";
import { MotionError } from "./bool_decoder.js";
import { CanvasPainter } from "./canvas_painter.js";
import { GlPainter, hasQuickWebGl2 } from "./gl_painter.js";
import { Lag } from "./lag.js";
import { decodeMessage } from "./message.js";
import { Timeline } from "./timeline.js";

const CHUNK_HEADER = 4;
const ATLAS_CHUNK = 1;
const FRAME_MS = 40;
const NEW_FRAMES = 3; // of a message; those before them came with the message before, unless it was lost
const SMOOTHING = 25; // frames

/**
 * Lives from construction to `close`. Event "ready": the first frame is drawn. Its canvas says in `dataset` which frame stands
 * (`frame`), with how many components (`components`), how many frames came in time, were drawn, and messages were refused (`came`,
 * `drawn`, `refused`).
 */
export class MotionView extends EventTarget {
  #portrait = null;
  #closed = false;
  #clock;
  #atlas = new AtlasReader();
  #identity;
  #received = 0;
  #timeline = new Timeline();
  #lag = new Lag();
  #painter = null;
  drawn = 0;
  lateMs = 0; // how far the pictures come after their sound, of late
  #refused = 0;
  #shown = { frame: undefined, components: 0, coefficients: [] };
  #timer = 0;
  canvas = document.createElement("canvas");

  /** `place`: the element that gets the canvas. `portrait`: promises an ImageBitmap. `clock`: a VoiceClock. `identity`: the atlas'. */
  constructor({ place, portrait, clock, identity }) {
    super();
    this.#clock = clock;
    this.#identity = identity;
    place.append(this.canvas);
    portrait.then((image) => this.#take(image));
    this.#next();
  }

  /** A binary message of the ordered channel: a part of the atlas. False once the atlas is damaged. */
  takeAtlasPart(bytes) {
    return this.#try(() => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (bytes.length <= CHUNK_HEADER || bytes[0] !== ATLAS_CHUNK || bytes[1] !== this.#identity) return;
      if (view.getUint16(2, true) !== this.#received) throw new MotionError("A part of the atlas is missing.");
      this.#received += bytes.length - CHUNK_HEADER;
      this.#atlas.push(bytes.subarray(CHUNK_HEADER));
      this.#prepare();
    });
  }

  /** A message of the unordered channel. False where it was refused. */
  takeMessage(bytes) {
    return this.#try(() => {
      if (!this.#atlas.components.length) return; // nothing to draw with yet
      const message = decodeMessage(bytes, this.#atlas);
      this.#timeline.add(message);
      this.canvas.dataset.came = this.#timeline.came;
      const lastFrame = message.firstFrame + message.frames.length - 1;
      this.#clock.arrived(lastFrame);
      const firstNew = Math.max(message.firstFrame, lastFrame + 1 - NEW_FRAMES);
      const heardMs = this.#clock.mediaMs();
      if (heardMs !== null) this.#lag.arrived(heardMs - FRAME_MS * firstNew);
    });
  }

  /** Draw what is due when `mediaMs` is heard. */
  draw(mediaMs) {
    if (!this.#painter) return;
    const { frame, coefficients } = this.#timeline.at(mediaMs - this.#lag.ms);
    const components = this.#atlas.components.length;
    if (frame === this.#shown.frame && components === this.#shown.components) return;
    if (components !== this.#shown.components || !alike(coefficients ?? [], this.#shown.coefficients)) {
      this.#painter.draw(layersOf(this.#atlas, coefficients ?? []));
    }
    this.#shown = { frame, components, coefficients: coefficients ?? [] };
    this.drawn += 1;
    if (frame !== null) this.lateMs += (mediaMs - FRAME_MS * frame - this.lateMs) / SMOOTHING;
    Object.assign(this.canvas.dataset, { frame: frame ?? "rest", components, drawn: this.drawn });
    if (this.drawn === 1) this.dispatchEvent(new Event("ready"));
  }

  close() {
    this.#closed = true;
    cancelAnimationFrame(this.#timer);
    this.#painter?.close();
    this.#painter = null;
    this.#portrait?.close();
    this.canvas.remove();
  }

  #take(image) {
    if (this.#closed) {
      image.close();
      return;
    }
    this.#portrait = image;
    Object.assign(this.canvas, { width: image.width, height: image.height });
    this.#prepare();
  }

  /** Once there are a portrait and a first component. */
  #prepare() {
    if (this.#painter || !this.#portrait || !this.#atlas.components.length) return;
    const Painter = hasQuickWebGl2() ? GlPainter : CanvasPainter;
    this.canvas.dataset.painter = Painter.name;
    this.#painter = new Painter(this.canvas, this.#portrait, this.#atlas);
  }

  #next() {
    this.#timer = requestAnimationFrame(() => {
      const mediaMs = this.#clock.mediaMs();
      if (mediaMs !== null) this.draw(mediaMs);
      this.#next();
    });
  }

  #try(take) {
    try {
      take();
      return true;
    } catch (error) {
      if (!(error instanceof MotionError)) throw error;
      this.#refused += 1;
      this.canvas.dataset.refused = this.#refused;
      return false;
    }
  }
}

/** Whether two frames draw the same; quiet ones often do. */
function alike(a, b) {
  return a.length === b.length && a.every((value, place) => value === b[place]);
}
