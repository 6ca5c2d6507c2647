// What the page asks the server besides the call: its limits, its portraits, and to take another portrait.

import { fromPortraitResponse, fromResponse, serverUnreachable } from "./failures.js";

/** `base`: URL of the page. `token()`: the access token, or "". Every method throws a Failure. */
export class ServerApi {
  #base;
  #token;

  constructor({ base, token }) {
    this.#base = base;
    this.#token = token;
  }

  /** { fps, size, future_audio_ms, delay_ms, token_required, limits, version } */
  async config() {
    return this.#json("api/config");
  }

  /** [{ id, name, credit, licence, source_url, image }] */
  async portraits() {
    return this.#json("api/portraits");
  }

  /** Send a photograph; returns { id, preview: URL of it as it will be framed }. `room`: by whose link one came, or "". */
  async uploadPortrait(blob, room = "") {
    const headers = { "Content-Type": blob.type };
    const response = await this.#fetch(`api/portraits${room ? `?room=${encodeURIComponent(room)}` : ""}`, { method: "POST", headers, body: blob });
    if (!response.ok) throw await fromPortraitResponse(response);
    const { id, preview } = await response.json();
    return { id, preview: new URL(preview, this.#base).href };
  }

  /** Open a room; returns { id, limit, link }. `photographs`: whether its guests may bring their own. */
  async openRoom({ photographs = false } = {}) {
    return this.#json(`api/rooms${photographs ? "?photographs=guests" : ""}`, { method: "POST" });
  }

  /** A room by its id: { id, limit, members, photographs }. */
  async room(id) {
    return this.#json(`api/rooms/${encodeURIComponent(id)}`);
  }

  /** URL of a portrait as it will be framed in a call. */
  previewUrl(id) {
    return new URL(`api/portraits/${encodeURIComponent(id)}/preview`, this.#base).href;
  }

  async #json(path, options = {}) {
    const response = await this.#fetch(path, options);
    if (!response.ok) throw await fromResponse(response);
    return response.json();
  }

  async #fetch(path, options) {
    const headers = { ...options.headers };
    if (this.#token()) headers.Authorization = `Bearer ${this.#token()}`;
    try {
      return await fetch(new URL(path, this.#base), { ...options, headers });
    } catch {
      throw serverUnreachable();
    }
  }
}
