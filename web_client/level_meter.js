// How loud the microphone is, as a bar and in words.

const FLOOR_DB = -60;
const SILENT_DB = -80;
const FALL_DB_PER_S = 40;
const WORDS_INTERVAL_MS = 500;
const STILL_INTERVAL_MS = 250;
const UNHEARD_AFTER_MS = 6000;

/** Draws into an element with role "meter" whose child is the bar. Event "unheard": nothing but zeros for 6 s. */
export class LevelMeter extends EventTarget {
  #element;
  #bar;
  #context = null;
  #source = null;
  #analyser = null;
  #samples = null;
  #shownDb = FLOOR_DB;
  #soundMs = 0;
  #wordsMs = 0;
  #drawnMs = 0;
  #request = 0;

  constructor(element) {
    super();
    this.#element = element;
    this.#bar = element.firstElementChild;
  }

  /** Show the level of a stream from now on. Needs a click before it (browsers keep sound off until then). */
  attach(stream) {
    this.detach();
    this.#context ??= new AudioContext({ latencyHint: "playback" });
    this.#context.resume();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 2048;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
    this.#soundMs = performance.now();
    this.#drawnMs = this.#soundMs;
    this.#draw();
  }

  detach() {
    cancelAnimationFrame(this.#request);
    this.#source?.disconnect();
    this.#source = null;
    this.#shownDb = FLOOR_DB;
    this.#paint("off");
    this.#context?.suspend();
  }

  #draw() {
    this.#request = requestAnimationFrame(() => this.#draw());
    const nowMs = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (still && nowMs - this.#drawnMs < STILL_INTERVAL_MS) return;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const levelDb = toDecibels(this.#samples);
    const fallenDb = this.#shownDb - (FALL_DB_PER_S * (nowMs - this.#drawnMs)) / 1000;
    this.#shownDb = Math.max(FLOOR_DB, Math.min(0, Math.max(levelDb, fallenDb)));
    this.#drawnMs = nowMs;
    this.#noticeSilence(levelDb, nowMs);
    this.#paint(inWords(this.#shownDb));
  }

  #noticeSilence(levelDb, nowMs) {
    if (levelDb > SILENT_DB) this.#soundMs = nowMs;
    if (nowMs - this.#soundMs < UNHEARD_AFTER_MS) return;
    this.#soundMs = nowMs;
    this.dispatchEvent(new Event("unheard"));
  }

  #paint(words) {
    const level = 1 - this.#shownDb / FLOOR_DB;
    this.#bar.style.transform = `scaleX(${level.toFixed(3)})`;
    if (words !== "off" && performance.now() - this.#wordsMs < WORDS_INTERVAL_MS) return;
    this.#wordsMs = performance.now();
    this.#element.setAttribute("aria-valuenow", String(Math.round(100 * level)));
    this.#element.setAttribute("aria-valuetext", words);
  }
}

/** Root mean square of samples in [-1, 1], in dB below full scale. */
function toDecibels(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return 10 * Math.log10(power + 1e-12);
}

function inWords(levelDb) {
  if (levelDb < -50) return "quiet";
  return levelDb > -6 ? "too loud" : "good";
}
