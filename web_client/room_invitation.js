// The room of this page: opened here, or come to by its link; its link to give away; and one's name in it.

const REMEMBERED = "facewire.name";
const COPIED_MS = 2000;

/** Events: "failure" (detail: a Failure), "name" (the person renamed themselves), "change" (another room, or none). */
export class RoomInvitation extends EventTarget {
  #panel;
  #api;
  #part;
  #asksForToken = false;
  id = new URL(location.href).searchParams.get("room") ?? "";

  /** `panel`: the section with button, link and name. */
  constructor({ panel, api }) {
    super();
    this.#panel = panel;
    this.#api = api;
    this.#part = (name) => panel.querySelector(`[data-part="${name}"]`);
    this.#part("name").value = localStorage.getItem(REMEMBERED) ?? "";
    this.#part("name").addEventListener("change", () => this.#rename());
    this.#part("open").addEventListener("click", () => this.#open());
    this.#part("copy").addEventListener("click", () => this.#copy());
    this.#show();
  }

  get name() {
    return this.#part("name").value.trim();
  }

  /** What a call asks for to be in the room; {} without one. */
  get query() {
    return this.id ? { room: this.id, name: this.name } : {};
  }

  /** The server asks for a token: whoever opens a room says what its link is good for. */
  set asksForToken(asked) {
    this.#asksForToken = asked;
    this.#part("photographs").hidden = !asked;
  }

  /** Say before anyone is asked for a microphone that a room has ended; promises whether one's own photograph is taken. Throws a
   * Failure. */
  async check() {
    if (!this.id) return true;
    const { photographs } = await this.#api.room(this.id);
    return photographs || !this.#asksForToken;
  }

  /** Rooms are opened before a call; in one there is a link to give away, or nothing to say. */
  setInCall(inCall) {
    this.#panel.hidden = inCall && this.id === "";
  }

  /** The room is no more: the page has none, and can open another. */
  forget() {
    this.#enter("");
  }

  #enter(id) {
    this.id = id;
    history.replaceState(null, "", this.#link());
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  async #open() {
    this.#part("open").disabled = true;
    try {
      const { id } = await this.#api.openRoom({ photographs: this.#part("photographs").querySelector("input").checked });
      this.#enter(id);
      this.#part("copy").focus();
    } catch (failure) {
      this.dispatchEvent(new CustomEvent("failure", { detail: failure }));
    } finally {
      this.#part("open").disabled = false;
    }
  }

  async #copy() {
    const { value } = this.#part("link");
    this.#part("link").select();
    const copied = await navigator.clipboard?.writeText(value).then(() => true, () => false);
    this.#part("copied").textContent = copied ? "Copied. Send it to whom you like." : "Press Ctrl+C to copy it.";
    setTimeout(() => (this.#part("copied").textContent = ""), COPIED_MS);
  }

  #rename() {
    localStorage.setItem(REMEMBERED, this.name);
    this.dispatchEvent(new Event("name"));
  }

  #link() {
    const url = new URL(location.href);
    if (this.id) url.searchParams.set("room", this.id);
    else url.searchParams.delete("room");
    return url.href;
  }

  #show() {
    this.#part("alone").hidden = this.id !== "";
    this.#part("together").hidden = this.id === "";
    this.#part("link").value = this.id && this.#link();
  }
}
