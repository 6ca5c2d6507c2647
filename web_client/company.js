// The others in the room: a tile for each, kept in step with who the server says is there.

import { WatchedMember } from "./watched_member.js";

export class Company {
  #element;
  #whep;
  #members = new Map();
  #mode = "auto";

  /** `element` holds the tiles. `whep`: a WhipClient at the WHEP endpoint. */
  constructor({ element, whep }) {
    this.#element = element;
    this.#whep = whep;
  }

  get size() {
    return this.#members.size;
  }

  /** What each of them is seen as: video, motion, voice. */
  get lines() {
    return [...this.#members.values()].map(({ tile }) => tile.element.dataset.line);
  }

  /** The server's message "room": who is there. One's own call started anew has another `you`, the others stay. */
  follow({ room, you, members }) {
    const others = new Map(members.filter(({ id }) => id !== you).map((member) => [member.id, member]));
    for (const id of this.#members.keys()) if (!others.has(id)) this.#remove(id);
    for (const [id, member] of others) {
      if (!this.#members.has(id)) this.#add(room, id);
      this.#members.get(id).tile.describe(member);
    }
    this.#show();
  }

  /** Ask the ladders of all connections for a kind of picture. */
  askMode(mode) {
    this.#mode = mode;
    for (const member of this.#members.values()) member.askMode(mode);
  }

  /** The call is over: nobody is watched any more. */
  leave() {
    for (const id of [...this.#members.keys()]) this.#remove(id);
    this.#show();
  }

  #add(room, id) {
    const member = new WatchedMember({ whep: this.#whep, room, member: id });
    member.askMode(this.#mode);
    this.#members.set(id, member);
    this.#element.append(member.tile.element);
  }

  #remove(id) {
    const member = this.#members.get(id);
    member.leave();
    member.tile.element.remove();
    this.#members.delete(id);
  }

  #show() {
    this.#element.hidden = this.#members.size === 0;
    document.body.dataset.company = String(this.#members.size);
  }
}
