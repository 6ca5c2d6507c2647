// A caller on werift, a WebRTC stack in plain JavaScript: ICE, DTLS, SRTP, RTP and SCTP are all its own.
//
//     node werift_caller.mjs --bundle=POLICY URL SPEECH SECONDS
//
// SPEECH: a JSON list of Opus packets of 20 ms, base64. Calls, speaks, pings, hangs up, and prints what came (recording.py).

import { readFileSync } from "node:fs";
import { RTCPeerConnection, RtpHeader, RtpPacket, MediaStreamTrack, Vp8RtpPayload, useOPUS, useVP8 } from "werift";

const PACKET_MS = 20;
const PACKET_SAMPLES = 960;
const OPUS_PAYLOAD_TYPE = 96;
const CONNECT_MS = 10_000;

const [option, url, speechPath, seconds] = process.argv.slice(2);
const bundlePolicy = option.replace("--bundle=", "");
const speech = JSON.parse(readFileSync(speechPath, "utf8")).map((packet) => Buffer.from(packet, "base64"));
const recording = { pictures: [], voice: [], messages: [], state: "" };
const now = () => performance.now() / 1000;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

const peer = new RTCPeerConnection({
  bundlePolicy,
  iceServers: [],
  iceUseIpv6: false,
  iceAdditionalHostAddresses: ["127.0.0.1"],
  codecs: { audio: [useOPUS()], video: [useVP8()] },
});
const microphone = new MediaStreamTrack({ kind: "audio" });
const channel = peer.createDataChannel("facewire");
channel.onMessage.subscribe((message) => recording.messages.push(JSON.parse(message.toString())));

const audio = peer.addTransceiver(microphone, { direction: "sendrecv" });
const video = peer.addTransceiver("video", { direction: "recvonly" });
audio.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(hear));
video.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(see));

const parts = [];
let partsOf = -1;

function see({ header, payload }) {
  if (!payload.length) return;
  if (header.timestamp !== partsOf) parts.length = 0;
  partsOf = header.timestamp;
  parts.push(Vp8RtpPayload.deSerialize(payload).payload);
  if (header.marker) recording.pictures.push([now(), header.timestamp, Buffer.concat(parts).toString("base64")]);
}

function hear({ header, payload }) {
  if (payload.length) recording.voice.push([now(), header.timestamp, payload.toString("base64")]);
}

async function post() {
  await peer.setLocalDescription(await peer.createOffer());
  const headers = { "Content-Type": "application/sdp" };
  const response = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${text}\n${peer.localDescription.sdp}`);
  await peer.setRemoteDescription({ type: "answer", sdp: text });
  return new URL(response.headers.get("Location"), url);
}

async function connected() {
  const until = now() + CONNECT_MS / 1000;
  while (peer.connectionState !== "connected" || channel.readyState !== "open") {
    if (now() > until) throw new Error(`after 10 s: peer ${peer.connectionState}, channel ${channel.readyState}`);
    await wait(10);
  }
}

function speak(packet) {
  const header = new RtpHeader({ payloadType: OPUS_PAYLOAD_TYPE, sequenceNumber: packet % 65536, timestamp: packet * PACKET_SAMPLES, marker: !packet });
  microphone.writeRtp(new RtpPacket(header, speech[packet % speech.length]));
}

const call = await post();
await connected();
const began = now();
for (let packet = 0; packet < (1000 * seconds) / PACKET_MS; packet += 1) {
  await wait(Math.max(0, 1000 * (began - now()) + packet * PACKET_MS));
  speak(packet);
  if (packet % 50 === 0) channel.send(JSON.stringify({ type: "ping", t: packet }));
}
recording.state = peer.connectionState;
const ended = await fetch(call, { method: "DELETE" });
recording.hung_up = ended.status;
await peer.close();
process.stdout.write(JSON.stringify(recording), () => process.exit(0));
