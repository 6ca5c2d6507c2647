// Which portrait speaks: one of the server's, or a photograph that the person drops or picks.

import { Failure } from "./failures.js";
import { showFailure } from "./failure_panel.js";
import { PortraitGallery } from "./portrait_gallery.js";
import { fitForUpload } from "./portrait_file.js";

const OWN = "own";
const OWN_CREDIT = "Your photograph. The server keeps it in memory for the call, and nowhere else";

/** Event "choose" (detail: URL of the picture as a call frames it). */
export class Portraits extends EventTarget {
  #api;
  #gallery;
  #failure;
  #chosen = null;
  #before = null;
  #blob = null;
  #upload = null;
  #ownCard;
  #takesOwn = true;
  limits = { portrait_bytes: Infinity, portrait_pixels: Infinity };
  room = ""; // by whose link one came: its guests may send a photograph without a token

  /** `fieldset` holds the gallery, the credit line and the place for a refusal; files dropped on `target` count. */
  constructor({ fieldset, target, api }) {
    super();
    this.#api = api;
    this.#failure = fieldset.querySelector(".failure");
    const { card, input } = fileCard();
    this.#ownCard = card;
    const [list, credit] = [fieldset.querySelector(".gallery"), fieldset.querySelector(".credit")];
    this.#gallery = new PortraitGallery({ list, credit, ownCard: card });
    this.#gallery.addEventListener("choose", ({ detail }) => this.#choose(detail));
    input.addEventListener("change", () => {
      if (input.files.length) this.useFile(input.files[0]);
      input.value = "";
    });
    acceptDrops(target, (file) => !fieldset.disabled && this.#takesOwn && this.useFile(file));
  }

  /** Whether a photograph of one's own is taken. */
  set takesOwn(taken) {
    this.#takesOwn = taken;
    this.#ownCard.hidden = !taken;
  }

  /** Load the server's portraits and choose the first. Throws a Failure. */
  async load() {
    const portraits = await this.#api.portraits();
    this.#gallery.show(portraits.map((portrait) => ({ ...portrait, key: portrait.id })));
    if (portraits.length) this.#gallery.select(portraits[0].id);
  }

  /** The id to call with; waits for an upload that is under way. Throws a Failure. */
  async id() {
    return this.#chosen.key === OWN ? this.#upload : this.#chosen.key;
  }

  /** The id again after the server has forgotten it: one's own photograph is sent once more. */
  async renew(failure) {
    if (this.#chosen.key !== OWN) throw failure;
    this.#upload = this.#send(this.#blob);
    return this.#upload;
  }

  /** Show a file at once, send it, and say so where the server refuses it. */
  async useFile(file) {
    showFailure(this.#failure, null);
    const image = URL.createObjectURL(file);
    try {
      this.#blob = await fitForUpload(file, this.limits);
      this.#before = this.#chosen?.key === OWN ? this.#before : this.#chosen;
      this.#upload = this.#send(this.#blob);
      this.#offer(image);
      await this.#upload;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#takeBack();
      showFailure(this.#failure, error);
    } finally {
      setTimeout(() => URL.revokeObjectURL(image), 10_000);
    }
  }

  /** Send it; when the server has framed it, show it as it will be in the call. */
  async #send(blob) {
    const { id, preview } = await this.#api.uploadPortrait(blob, this.room);
    this.#offer(preview);
    return id;
  }

  #offer(image) {
    this.#gallery.put({ key: OWN, name: "Yours", image, credit: OWN_CREDIT });
    this.#gallery.select(OWN);
  }

  #takeBack() {
    this.#upload = null;
    this.#gallery.remove(OWN);
    if (this.#before) this.#gallery.select(this.#before.key);
  }

  #choose(entry) {
    if (entry.key !== OWN) showFailure(this.#failure, null);
    this.#chosen = entry;
    const framed = entry.key === OWN ? entry.image : this.#api.previewUrl(entry.key);
    this.dispatchEvent(new CustomEvent("choose", { detail: framed }));
  }
}

/** The last card: it opens the file dialogue. */
function fileCard() {
  const input = Object.assign(document.createElement("input"), { type: "file", id: "portrait-file" });
  input.accept = "image/jpeg,image/png,image/webp";
  const plus = Object.assign(document.createElement("span"), { className: "card-plus" });
  plus.setAttribute("aria-hidden", "true");
  const name = Object.assign(document.createElement("span"), { className: "card-name", textContent: "Your own" });
  const card = Object.assign(document.createElement("label"), { className: "card card-own" });
  card.append(input, plus, name);
  return { card, input };
}

/** A file dropped anywhere on `target` goes to `use`; the page shows that it would take it. */
function acceptDrops(target, use) {
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = (over) => target.classList.toggle("is-drop-target", over);
  target.addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    mark(true);
  });
  target.addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
  target.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    mark(false);
    use(event.dataTransfer.files[0]);
  });
}
