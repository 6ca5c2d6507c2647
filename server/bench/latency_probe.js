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

/** Reads a track's sound as it is delivered: for each 5 ms [middle on the sound's own clock, root mean square, the same middle on
 * the wall's clock, later by what its delivery took]. A microphone's sound was spoken before it is delivered, a voice's is played
 * after it. */
const METER = `
  onmessage = async ({ data: { which, readable, spoken } }) => {
    const reader = readable.getReader();
    for (let ownMs = 0; ; ) {
      const { value: sound, done } = await reader.read();
      if (done) return;
      const wallMs = performance.timeOrigin + performance.now();
      const { numberOfFrames, sampleRate } = sound;
      const samples = new Float32Array(numberOfFrames);
      sound.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      sound.close();
      const lengthMs = (1000 * numberOfFrames) / sampleRate;
      const pieces = [];
      for (let first = 0, step = sampleRate / 200; first < numberOfFrames; first += step) {
        const piece = samples.subarray(first, first + step);
        const middleMs = (1000 * (first + piece.length / 2)) / sampleRate;
        const power = piece.reduce((sum, sample) => sum + sample * sample, 0) / piece.length;
        pieces.push([ownMs + middleMs, Math.sqrt(power), wallMs + middleMs - (spoken ? lengthMs : 0)]);
      }
      ownMs += lengthMs;
      postMessage({ which, pieces });
    }
  };`;

/** When the first picture is on screen: ms after `connected`. Call it before the call starts. */
latency.watchFirstFrame = () => {
  latency.firstFrameMs = undefined;
  document.querySelector("video").requestVideoFrameCallback((now) => (latency.firstFrameMs = now));
};

/** Record both sounds' loudness every 5 ms, and every picture's mouth (box in picture pixels) as grey 48 x 32. */
latency.watch = async (box) => {
  const video = document.querySelector("video");
  const meter = new Worker(URL.createObjectURL(new Blob([METER], { type: "text/javascript" })));
  meter.onmessage = ({ data: { which, pieces } }) => latency.sound[which].push(...pieces);
  [latency.microphone, video.srcObject].forEach((stream, which) => {
    const { readable } = new MediaStreamTrackProcessor({ track: stream.getAudioTracks()[0] });
    meter.postMessage({ which, readable, spoken: which === 0 }, [readable]);
  });
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

/** The counters of what comes in, and of the sound output: { audio, video, output }. */
latency.counters = async () => {
  const report = [...(await latency.peers.at(-1).getStats()).values()];
  const inbound = (kind) => report.find((entry) => entry.type === "inbound-rtp" && entry.kind === kind);
  const output = report.find(({ type }) => type === "media-playout");
  return { audio: inbound("audio"), video: inbound("video"), output };
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
