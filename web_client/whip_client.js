// Signalling: one offer out, one answer back, and a resource to delete (WHIP, RFC 9725; WHEP to watch).

import { fromResponse, serverUnreachable } from "./failures.js";

export class WhipClient {
  /** `endpoint`: URL of the WHIP or WHEP endpoint. `token()`: the access token, or "" without one. */
  constructor({ endpoint, token }) {
    this.endpoint = endpoint;
    this.token = token;
  }

  /**
   * Send the offer. `query`: what is asked for, e.g. { portrait }, or { room, member } to watch.
   * Returns { answer: SDP, resource: URL of the session, etag }. Throws a Failure.
   */
  async offer({ sdp, query, signal }) {
    const url = new URL(this.endpoint);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const response = await this.#send(url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: sdp,
      signal,
    });
    if (response.status !== 201) throw await fromResponse(response);
    const resource = new URL(response.headers.get("Location"), response.url || url).href;
    return { answer: await response.text(), resource, etag: response.headers.get("ETag") };
  }

  /** Tell the server that the call is over. Works while the page is being closed; never throws. */
  async end(resource) {
    await this.#send(resource, { method: "DELETE", keepalive: true }).catch(() => null);
  }

  async #send(url, options) {
    const headers = { ...options.headers };
    const token = this.token();
    if (token) headers.Authorization = `Bearer ${token}`;
    try {
      return await fetch(url, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw serverUnreachable();
    }
  }
}
