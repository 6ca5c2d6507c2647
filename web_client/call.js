// A call: one connection after another, for as long as the person wants to speak.
//
//   idle ──start──▶ connecting ──▶ live ──lost──▶ reconnecting ──▶ live …
//                       │ 503: waiting, again after Retry-After
//                       └ any Failure, or stop ──▶ idle

import { backOff, pause } from "./back_off.js";
import { Connection } from "./connection.js";
import { Failure, fromGoodbye, gaveUp } from "./failures.js";
import { unlessAborted } from "./unless_aborted.js";

const WORTH_WAITING = new Set(["server_full", "server_starting"]);
const WORTH_ANOTHER_TRY = new Set([...WORTH_WAITING, "server_unreachable", "no_media_path"]);

/**
 * Events: "state" (detail: { state, reason, waitMs, failure }), "stream" (detail: the remote MediaStream),
 * "message" (detail: a message of the server).
 */
export class Call extends EventTarget {
  #whip;
  #connection = null;
  #stopping = null;
  state = "idle";

  constructor(whip) {
    super();
    this.#whip = whip;
  }

  /** The connection of the moment, or null. */
  get connection() {
    return this.#connection;
  }

  /**
   * Speak with a portrait until `stop`, or until a Failure that no waiting mends.
   * `track()` gives the microphone's track. `portrait.id()` promises the portrait's id, `portrait.renew(failure)`
   * another one, because a server that was started anew knows no uploaded portrait. `room()`: { room, name }, or {}.
   */
  async run({ track, portrait, room = () => ({}) }) {
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    let failure = null;
    try {
      await this.#connectPatiently({ track, portrait, room, signal });
      for (;;) {
        const reason = await this.#lost(signal);
        await this.#reconnect({ track, portrait, room, signal, reason });
      }
    } catch (error) {
      if (error.name !== "AbortError") failure = error;
    } finally {
      this.#connection?.close();
      this.#connection = null;
    }
    this.#enter("idle", { failure });
  }

  /** End the call; the server is told. */
  stop() {
    this.#stopping?.abort();
  }

  async #connectPatiently({ track, portrait, room, signal }) {
    for (;;) {
      this.#enter("connecting");
      try {
        return await this.#connect({ track, portrait, room, signal });
      } catch (error) {
        if (!WORTH_WAITING.has(error.kind)) throw error;
        await this.#wait("waiting", error.retryAfterS * 1000, { signal, failure: error });
      }
    }
  }

  async #reconnect({ track, portrait, room, signal, reason }) {
    for (const backOffMs of backOff()) {
      await this.#wait("reconnecting", backOffMs, { signal, reason: fromLoss(reason) });
      try {
        return await this.#connect({ track, portrait, room, signal });
      } catch (error) {
        if (!(error instanceof Failure) || !WORTH_ANOTHER_TRY.has(error.kind)) throw error;
      }
    }
    throw gaveUp();
  }

  async #connect({ track, portrait, room, signal }) {
    const query = async (id) => ({ portrait: await unlessAborted(id, signal), ...room() }); // an upload may take long
    const first = await query(portrait.id());
    const connection = await this.#open({ track: track(), query: first, signal }).catch(async (error) => {
      if (error.kind !== "portrait_forgotten") throw error;
      return this.#open({ track: track(), query: await query(portrait.renew(error)), signal });
    });
    this.#connection = connection;
    this.#emit("stream", connection.stream);
    this.#enter("live");
  }

  async #open({ track, query, signal }) {
    const connection = new Connection(this.#whip);
    connection.addEventListener("message", ({ detail }) => this.#emit("message", detail));
    await connection.open({ track, query, signal });
    return connection;
  }

  #lost(signal) {
    const connection = this.#connection;
    const lost = new Promise((resolve) => connection.addEventListener("lost", ({ detail }) => resolve(detail.reason), { once: true }));
    return unlessAborted(lost, signal);
  }

  async #wait(state, waitMs, { signal, reason = null, failure = null }) {
    this.#enter(state, { waitMs, reason, failure });
    await pause(waitMs, signal);
  }

  #enter(state, { reason = null, waitMs = 0, failure = null } = {}) {
    this.state = state;
    this.#emit("state", { state, reason, waitMs, failure });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function fromLoss(reason) {
  return reason === null ? "The connection was lost." : fromGoodbye(reason);
}
