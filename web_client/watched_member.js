// One of the others in a room, watched for as long as they are there: one connection after another.

import { backOff, pause } from "./back_off.js";
import { Connection } from "./connection.js";
import { MotionPlayer } from "./motion_player.js";
import { Tile } from "./tile.js";

const LEVEL_INTERVAL_MS = 200;
const SPEAKING_LEVEL = 0.02;
const SPEAKING_HOLD_MS = 500;
const UNREACHABLE = Symbol("unreachable");

export class WatchedMember {
  #whep;
  #query;
  #leaving = new AbortController();
  #connection = null;
  #mode = "auto";
  tile = new Tile();
  #player = new MotionPlayer({ picture: this.tile.element, portraitUrl: () => this.tile.portraitUrl });

  /** `whep`: a WhipClient at the WHEP endpoint. `room`, `member`: whom to watch. */
  constructor({ whep, room, member }) {
    this.#whep = whep;
    this.#query = { room, member };
    this.#watch().catch((error) => error.name !== "AbortError" && console.error(error));
  }

  /** Ask for a kind of picture: auto, video, motion, voice. */
  askMode(mode) {
    this.#mode = mode;
    this.#connection?.askMode(mode);
  }

  /** Watch no more. */
  leave() {
    this.#leaving.abort();
  }

  async #watch() {
    const { signal } = this.#leaving;
    for (;;) {
      const connection = await this.#connect(signal);
      if (connection === null) return; // they have gone
      if (connection === UNREACHABLE) {
        await this.tile.askToTryAgain();
        continue;
      }
      this.#connection = connection;
      this.tile.play(connection.stream);
      this.#player.follow(connection);
      connection.askMode(this.#mode);
      const stopListening = followLevel(connection, this.tile);
      const lost = new Promise((resolve) => connection.addEventListener("lost", resolve, { once: true }));
      const left = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      await Promise.race([lost, left]);
      stopListening();
      this.#connection = null;
      this.#player.follow(null);
      this.tile.wait();
      connection.close();
      if (signal.aborted) return;
    }
  }

  /** A connection; null where they are not in the room any more; UNREACHABLE after the last try. */
  async #connect(signal) {
    for (const backOffMs of [0, ...backOff()]) {
      await pause(backOffMs, signal);
      const connection = new Connection(this.#whep);
      connection.addEventListener("message", ({ detail }) => detail.type === "hello" && this.tile.showPortrait(detail.portrait, connection.slow));
      try {
        await connection.open({ track: null, query: this.#query, signal });
        return connection;
      } catch (error) {
        if (error.name === "AbortError" || error.kind === "no_such_member" || error.kind === "room_unknown") return null;
      }
    }
    return UNREACHABLE;
  }
}

/** Show on the tile whether they speak; returns what ends it. */
function followLevel(connection, tile) {
  let heardMs = -Infinity;
  const timer = setInterval(async () => {
    if ((await connection.level()) > SPEAKING_LEVEL) heardMs = performance.now();
    tile.setSpeaking(performance.now() - heardMs < SPEAKING_HOLD_MS);
  }, LEVEL_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    tile.setSpeaking(false);
  };
}
