// What is waited for while a connection is made.

import { noMediaPath } from "./failures.js";

const GATHERING_LIMIT_MS = 300;
const SETUP_LIMIT_MS = 15_000;

/** Wait until the browser knows its addresses, 300 ms at most: those of the local network come at once. */
export function gathered(peer) {
  return new Promise((resolve) => {
    if (peer.iceGatheringState === "complete") resolve();
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve();
    });
    setTimeout(resolve, GATHERING_LIMIT_MS);
  });
}

/** Wait for `connected`; a Failure after 15 s or when the browser gives up first. */
export function connected(peer) {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(noMediaPath()), SETUP_LIMIT_MS);
    const settle = (action, value) => {
      clearTimeout(limit);
      action(value);
    };
    const look = () => {
      if (peer.connectionState === "connected") settle(resolve);
      if (peer.connectionState === "failed") settle(reject, noMediaPath());
    };
    peer.addEventListener("connectionstatechange", look);
    look();
  });
}
