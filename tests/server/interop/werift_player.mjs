// A player on werift, which watches over WHEP and has no data channel.
//
//     node werift_player.mjs URL SECONDS
//
// Watches, goes, and prints what came (recording.py).

import { RTCPeerConnection, useOPUS, useVP8 } from "werift";

import { LOOPBACK, connected, post, report, streams, wait } from "./werift_peer.mjs";

const [url, seconds] = process.argv.slice(2);
const { taken, see, hear } = streams();
const peer = new RTCPeerConnection({ ...LOOPBACK, bundlePolicy: "max-bundle", codecs: { audio: [useOPUS()], video: [useVP8()] } });
const audio = peer.addTransceiver("audio", { direction: "recvonly" });
const video = peer.addTransceiver("video", { direction: "recvonly" });
audio.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(hear));
video.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(see));

const viewer = await post(peer, url);
await connected(peer);
await wait(1000 * seconds);
await report(peer, { ...taken, messages: [] }, viewer);
