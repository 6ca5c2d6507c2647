// A caller on werift: ICE, DTLS, SRTP, RTP and SCTP are all its own.
//
//     node werift_caller.mjs --bundle=POLICY URL SPEECH SECONDS
//
// SPEECH: a JSON list of Opus packets of 20 ms, base64. Calls, speaks, pings, hangs up, and prints what came (recording.py).

import { readFileSync } from "node:fs";
import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket, useOPUS, useVP8 } from "werift";

import { LOOPBACK, connected, now, post, report, streams, wait } from "./werift_peer.mjs";

const PACKET_MS = 20;
const PACKET_SAMPLES = 960;
const OPUS_PAYLOAD_TYPE = 96;

const [option, url, speechPath, seconds] = process.argv.slice(2);
const speech = JSON.parse(readFileSync(speechPath, "utf8")).map((packet) => Buffer.from(packet, "base64"));
const { taken, see, hear } = streams();
const recording = { ...taken, messages: [] };

const peer = new RTCPeerConnection({
  ...LOOPBACK,
  bundlePolicy: option.replace("--bundle=", ""),
  codecs: { audio: [useOPUS()], video: [useVP8()] },
});
const microphone = new MediaStreamTrack({ kind: "audio" });
const channel = peer.createDataChannel("facewire");
channel.onMessage.subscribe((message) => recording.messages.push(JSON.parse(message.toString())));

const audio = peer.addTransceiver(microphone, { direction: "sendrecv" });
const video = peer.addTransceiver("video", { direction: "recvonly" });
audio.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(hear));
video.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(see));

function speak(packet) {
  const header = new RtpHeader({ payloadType: OPUS_PAYLOAD_TYPE, sequenceNumber: packet % 65536, timestamp: packet * PACKET_SAMPLES, marker: !packet });
  microphone.writeRtp(new RtpPacket(header, speech[packet % speech.length]));
}

const call = await post(peer, url);
await connected(peer, channel);
const began = now();
for (let packet = 0; packet < (1000 * seconds) / PACKET_MS; packet += 1) {
  await wait(Math.max(0, 1000 * (began - now()) + packet * PACKET_MS));
  speak(packet);
  if (packet % 50 === 0) channel.send(JSON.stringify({ type: "ping", t: packet }));
}
await report(peer, recording, call);
