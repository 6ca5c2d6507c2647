// Watches a call from inside the page: every picture's mouth region, and the loudness of the sound that came with it.
// Installed before the page's own scripts; it changes nothing but that it remembers the connections.

window.probe = { peers: [], frames: [], patches: [], sound: [], layoutShift: 0, movedPicture: 0 };

window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...settings) {
    super(...settings);
    probe.peers.push(this);
  }
};

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.sources.some(({ node }) => node?.parentElement?.closest?.("#picture") || node?.id === "picture")) probe.movedPicture += 1;
    if (!entry.hadRecentInput) probe.layoutShift += entry.value;
  }
}).observe({ type: "layout-shift", buffered: true });

/** Record the pixels of box = [x, y, width, height] (in picture pixels) of every frame, grey, at 48 x 32. */
probe.watchPicture = (box) => {
  const video = document.querySelector("video");
  const canvas = new OffscreenCanvas(48, 32);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const see = (now, frame) => {
    context.drawImage(video, ...box, 0, 0, 48, 32);
    const rgba = context.getImageData(0, 0, 48, 32).data;
    const grey = new Uint8Array(48 * 32);
    for (let i = 0; i < grey.length; i += 1) {
      grey[i] = 0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2];
    }
    probe.patches.push(grey);
    probe.frames.push([frame.expectedDisplayTime, now, frame.presentedFrames, frame.rtpTimestamp ?? 0]);
    video.requestVideoFrameCallback(see);
  };
  video.requestVideoFrameCallback(see);
};

const LOUDNESS_WORKLET = `
  registerProcessor("loudness", class extends AudioWorkletProcessor {
    power = 0;
    count = 0;
    process([[samples]]) {
      for (const sample of samples ?? new Float32Array(128)) this.power += sample * sample;
      this.count += 128;
      if (this.count >= sampleRate / 100) {
        const endMs = 1000 * (currentTime + 128 / sampleRate);
        const lengthMs = 1000 * this.count / sampleRate;
        this.port.postMessage([endMs - lengthMs / 2, Math.sqrt(this.power / this.count), Date.now()]);
        this.power = this.count = 0;
      }
      return true;
    }
  });`;

/** Record the loudness of the sound that comes back: [context time in ms, root mean square, wall clock in ms]. */
probe.watchSound = async () => {
  const context = new AudioContext({ latencyHint: 0, sampleRate: 48000 });
  const script = URL.createObjectURL(new Blob([LOUDNESS_WORKLET], { type: "text/javascript" }));
  await context.audioWorklet.addModule(script);
  const meter = new AudioWorkletNode(context, "loudness", { numberOfOutputs: 0 });
  meter.port.onmessage = ({ data }) => probe.sound.push(data);
  context.createMediaStreamSource(document.querySelector("video").srcObject).connect(meter);
  probe.timeOrigin = performance.timeOrigin;
};

/** Every figure of the newest connection's streams: [{type, kind, ...}]. */
probe.report = async () => {
  const report = await probe.peers.at(-1).getStats();
  return [...report.values()].filter(({ type }) => type.endsWith("-rtp") || type === "candidate-pair");
};

/** All that was recorded; the patches as base64 of [frames, 32, 48] bytes. */
probe.take = () => {
  let bytes = "";
  for (const patch of probe.patches) bytes += String.fromCharCode(...patch);
  return { frames: probe.frames, sound: probe.sound, timeOrigin: probe.timeOrigin, patches: btoa(bytes) };
};
