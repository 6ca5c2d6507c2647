// Watches a call from inside the page: when the microphone and the voice that comes back are heard, and what is on screen.
// Installed before the page's own scripts; it changes nothing but that it remembers the streams.

window.latency = { microphone: null, peers: [], sound: [[], []], frames: [], patches: [], shownAfterMs: [] };
latency.timeOrigin = performance.timeOrigin;

const openMicrophone = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  latency.microphone = await openMicrophone(constraints);
  return latency.microphone;
};

window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...settings) {
    super(...settings);
    latency.peers.push(this);
    this.addEventListener("connectionstatechange", () => {
      if (this.connectionState === "connected") latency.connectedMs = performance.now();
    });
  }
};

/** Send a call's packets by way of another port: `relay(port)` promises the one that stands before the server's. The page's own
 * addresses are kept from the server, so that it answers by the way it was called. */
latency.callThrough = (relay) => {
  const fetched = window.fetch.bind(window);
  window.fetch = async (resource, options = {}) => {
    if (options.method !== "POST" || !/\/(whip|whep)\b/.test(String(resource))) return fetched(resource, options);
    const body = options.body.replace(/a=candidate:.*\r\n/g, "");
    const answer = await fetched(resource, { ...options, body });
    let sdp = await answer.text();
    const port = /a=candidate:\S+ 1 udp \d+ \S+ (\d+)/i.exec(sdp)?.[1];
    if (port) sdp = sdp.replaceAll(new RegExp(`(a=candidate:.* )${port} `, "gi"), `$1${await relay(Number(port))} `);
    const { status, headers } = answer;
    const changed = new Response(sdp, { status, headers });
    Object.defineProperty(changed, "url", { value: answer.url });
    return changed;
  };
};

const METER = `
  registerProcessor("meter", class extends AudioWorkletProcessor {
    power = [0, 0];
    count = 0;
    process(inputs) {
      inputs.forEach(([samples], which) => {
        for (const sample of samples ?? []) this.power[which] += sample * sample;
      });
      this.count += 128;
      if (this.count >= sampleRate / 200) {
        const endMs = 1000 * (currentTime + 128 / sampleRate);
        const middleMs = endMs - 500 * this.count / sampleRate;
        this.port.postMessage([middleMs, ...this.power.map((power) => Math.sqrt(power / this.count)), Date.now()]);
        this.power = [0, 0];
        this.count = 0;
      }
      return true;
    }
  });`;

/** When the first picture is on screen: ms after `connected`. Call it before the call starts. */
latency.watchFirstFrame = () => {
  latency.firstFrameMs = undefined;
  document.querySelector("video").requestVideoFrameCallback((now) => (latency.firstFrameMs = now));
};

/** Record both sounds' loudness every 5 ms, on one clock, and every picture's mouth (box in picture pixels) as grey 48 x 32. */
latency.watch = async (box) => {
  const context = new AudioContext({ latencyHint: 0, sampleRate: 48000 });
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([METER], { type: "text/javascript" })));
  const meter = new AudioWorkletNode(context, "meter", { numberOfInputs: 2, numberOfOutputs: 0 });
  meter.port.onmessage = ({ data: [middleMs, microphone, voice, wallMs] }) => {
    latency.sound[0].push([middleMs, microphone, wallMs]);
    latency.sound[1].push([middleMs, voice, wallMs]);
  };
  const video = document.querySelector("video");
  context.createMediaStreamSource(latency.microphone).connect(meter, 0, 0);
  context.createMediaStreamSource(video.srcObject).connect(meter, 0, 1);
  const canvas = new OffscreenCanvas(48, 32);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  const see = (now, frame) => {
    drawing.drawImage(video, ...box, 0, 0, 48, 32);
    const rgba = drawing.getImageData(0, 0, 48, 32).data;
    const grey = new Uint8Array(48 * 32);
    for (let i = 0; i < grey.length; i += 1) grey[i] = 0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2];
    latency.patches.push(grey);
    latency.frames.push(now);
    if (frame.receiveTime) latency.shownAfterMs.push(now - frame.receiveTime);
    video.requestVideoFrameCallback(see);
  };
  video.requestVideoFrameCallback(see);
};

/** The counters of what comes in: { audio, video }. */
latency.counters = async () => {
  const report = [...(await latency.peers.at(-1).getStats()).values()];
  const inbound = (kind) => report.find((entry) => entry.type === "inbound-rtp" && entry.kind === kind);
  return { audio: inbound("audio"), video: inbound("video") };
};

/** Everything recorded since the last time; patches as base64 of [frames, 32, 48] bytes. */
latency.take = () => {
  let bytes = "";
  for (const patch of latency.patches) bytes += String.fromCharCode(...patch);
  const taken = { sound: latency.sound, frames: latency.frames, patches: btoa(bytes), timeOrigin: latency.timeOrigin };
  taken.shownAfterMs = latency.shownAfterMs;
  Object.assign(latency, { sound: [[], []], frames: [], patches: [], shownAfterMs: [] });
  return taken;
};
