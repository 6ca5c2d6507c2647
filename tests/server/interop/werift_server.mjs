// A WHIP server (RFC 9725) on werift, for one session.
//
//     node werift_server.mjs TOKEN
//
// Prints its endpoint. Takes one offer, asks three times for a keyframe, and on DELETE prints what came
// (recording.py) and ends.

import { createServer } from "node:http";
import { RTCPeerConnection, useOPUS, useVP8 } from "werift";

import { LOOPBACK, now, report, streams } from "./werift_peer.mjs";

const ASK_EACH_MS = 1500;
const ASKED = 3;
const SDP = "application/sdp";

const [token] = process.argv.slice(2);
const { taken, see, hear } = streams();
const recording = { ...taken, messages: [], asked_s: [] };
const peer = new RTCPeerConnection({ ...LOOPBACK, bundlePolicy: "max-bundle", codecs: { audio: [useOPUS()], video: [useVP8()] } });
let mediaSsrc = null;

peer.onRemoteTransceiverAdded.subscribe((transceiver) => {
  transceiver.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(track.kind === "audio" ? hear : (packet) => look(packet, transceiver)));
});

function look(packet, { receiver }) {
  if (mediaSsrc === null) setTimeout(() => ask(receiver), ASK_EACH_MS);
  mediaSsrc ??= packet.header.ssrc;
  see(packet);
}

function ask(receiver) {
  recording.asked_s.push(now());
  receiver.sendRtcpPLI(mediaSsrc);
  if (recording.asked_s.length < ASKED) setTimeout(() => ask(receiver), ASK_EACH_MS);
}

async function answer(offer) {
  await peer.setRemoteDescription({ type: "offer", sdp: offer });
  await peer.setLocalDescription(await peer.createAnswer());
  return peer.localDescription.sdp;
}

const server = createServer(async (request, response) => {
  if (request.method === "DELETE") {
    response.writeHead(200).end();
    await report(peer, recording, null);
  } else if (request.headers.authorization !== `Bearer ${token}` || request.headers["content-type"] !== SDP) {
    response.writeHead(401).end();
  } else {
    const parts = [];
    for await (const part of request) parts.push(part);
    const sdp = await answer(Buffer.concat(parts).toString());
    response.writeHead(201, { "Content-Type": SDP, Location: "/session" }).end(sdp);
  }
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${server.address().port}/live\n`));
