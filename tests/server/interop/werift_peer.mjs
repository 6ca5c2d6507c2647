// What every peer on werift, a WebRTC stack in plain JavaScript, begins with; and what comes, taken down as recording.py reads it.

import { Vp8RtpPayload } from "werift";

const CONNECT_MS = 10_000;

export const LOOPBACK = { iceServers: [], iceUseIpv6: false, iceAdditionalHostAddresses: ["127.0.0.1"] };
export const now = () => performance.now() / 1000;
export const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** { taken: { pictures, voice } }, each [arrival in s, RTP time, base64 of a VP8 frame or an Opus packet]; `see` and `hear` take RTP packets. */
export function streams() {
  const taken = { pictures: [], voice: [] };
  const parts = [];
  let partsOf = -1;

  function see({ header, payload }) {
    if (!payload.length) return;
    if (header.timestamp !== partsOf) parts.length = 0;
    partsOf = header.timestamp;
    parts.push(Vp8RtpPayload.deSerialize(payload).payload);
    if (header.marker) taken.pictures.push([now(), header.timestamp, Buffer.concat(parts).toString("base64")]);
  }

  function hear({ header, payload }) {
    if (payload.length) taken.voice.push([now(), header.timestamp, payload.toString("base64")]);
  }

  return { taken, see, hear };
}

/** Offer to a WHIP or WHEP endpoint; returns the URL of what was begun. */
export async function post(peer, url) {
  await peer.setLocalDescription(await peer.createOffer());
  const headers = { "Content-Type": "application/sdp" };
  const response = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${text}\n${peer.localDescription.sdp}`);
  await peer.setRemoteDescription({ type: "answer", sdp: text });
  return new URL(response.headers.get("Location"), url);
}

/** Resolves when the connection stands, and its channel where there is one. */
export async function connected(peer, channel = null) {
  const until = now() + CONNECT_MS / 1000;
  while (peer.connectionState !== "connected" || (channel && channel.readyState !== "open")) {
    if (now() > until) throw new Error(`after 10 s: peer ${peer.connectionState}, channel ${channel?.readyState}`);
    await wait(10);
  }
}

/** End what was begun, say what came, and go. */
export async function report(peer, recording, begun) {
  recording.state = peer.connectionState;
  recording.hung_up = begun ? (await fetch(begun, { method: "DELETE" })).status : 200;
  await peer.close();
  process.stdout.write(`${JSON.stringify(recording)}\n`, () => process.exit(0));
}
