// The list of microphones, the button that tries one before a call, and the level meter.

import { Failure } from "./failures.js";

const DEFAULT_LABEL = "Default microphone";
const UNHEARD = "Nothing is heard from this microphone. Is it switched off, or turned down in the sound settings?";
const element = (id) => document.getElementById(id);

/** Event "failure" (detail: a Failure). */
export class MicrophoneChoice extends EventTarget {
  #microphone;
  #meter;
  #inCall = false;

  constructor({ microphone, meter }) {
    super();
    this.#microphone = microphone;
    this.#meter = meter;
    element("microphone").addEventListener("change", ({ target }) => this.#try(() => microphone.choose(target.value)));
    element("check-microphone").addEventListener("click", () => this.#check());
    microphone.addEventListener("open", ({ detail }) => this.#opened(detail));
    microphone.addEventListener("closed", () => this.#closed());
    microphone.addEventListener("devices", () => this.#list());
    meter.addEventListener("unheard", () => this.#hint(UNHEARD));
    this.#list();
  }

  /** In a call the microphone is open anyway: there is nothing to check. */
  setInCall(inCall) {
    this.#inCall = inCall;
    element("check-microphone").hidden = inCall;
  }

  async #list() {
    const devices = await this.#microphone.list();
    const known = devices.length ? devices : [{ deviceId: "", label: DEFAULT_LABEL }];
    const options = known.map(({ deviceId, label }) => new Option(label, deviceId));
    element("microphone").replaceChildren(...options);
    const used = this.#microphone.track?.getSettings().deviceId ?? this.#microphone.deviceId;
    if (known.some(({ deviceId }) => deviceId === used)) element("microphone").value = used;
  }

  async #check() {
    if (this.#microphone.isOpen) return this.#microphone.close();
    return this.#try(() => this.#microphone.open());
  }

  async #try(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.dispatchEvent(new CustomEvent("failure", { detail: error }));
    }
  }

  #opened(stream) {
    this.#hint("");
    this.#meter.attach(stream);
    this.#showChecking(!this.#inCall);
  }

  #closed() {
    this.#hint("");
    this.#meter.detach();
    this.#showChecking(false);
  }

  #showChecking(checking) {
    element("check-microphone").setAttribute("aria-pressed", String(checking));
  }

  #hint(words) {
    element("microphone-hint").textContent = words;
  }
}
