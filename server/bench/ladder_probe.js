// On top of latency_probe.js: watches whatever the page shows, its video or the portrait that it draws itself, and which rung the
// server's ladder is on.

window.ladder = { rungs: [], came: [] };

/** Note each rung with its time from now on (ms since `connected`). */
ladder.watchRungs = () => {
  const place = document.querySelector("#rung");
  const note = () => {
    const { rung } = place.dataset;
    if (rung && ladder.rungs.at(-1)?.[1] !== rung) ladder.rungs.push([performance.now() - latency.connectedMs, rung]);
  };
  new MutationObserver(note).observe(place, { attributes: true, childList: true });
  note();
};

/** Record both sounds, as `latency.watch`, and every picture that is shown, whoever made it. `box`: of the mouth, in picture
 * pixels; `side`: of the picture that it was measured in. */
ladder.watch = async (box, side) => {
  const { callback, video } = ladder.withoutVideoFrames();
  await latency.watch(box);
  callback();
  const patch = new OffscreenCanvas(48, 32);
  const drawing = patch.getContext("2d", { willReadFrequently: true });
  const see = (source, width, now) => {
    drawing.drawImage(source, ...box.map((value) => (value * width) / side), 0, 0, 48, 32);
    const rgba = drawing.getImageData(0, 0, 48, 32).data;
    latency.patches.push(Uint8Array.from({ length: 48 * 32 }, (_, i) => 0.299 * rgba[4 * i] + 0.587 * rgba[4 * i + 1] + 0.114 * rgba[4 * i + 2]));
    latency.frames.push(now);
  };
  const drawn = () => document.querySelector("#picture.is-motion canvas");
  const seeVideo = (now) => {
    if (!drawn()) see(video, video.videoWidth, now);
    video.requestVideoFrameCallback(seeVideo);
  };
  video.requestVideoFrameCallback(seeVideo);
  let last = "";
  const seeCanvas = () => {
    const canvas = drawn();
    if (canvas && canvas.dataset.drawn !== last) {
      last = canvas.dataset.drawn;
      ladder.came.push([performance.now(), Number(canvas.dataset.came ?? 0)]);
      see(canvas, canvas.width, performance.now());
    }
    requestAnimationFrame(seeCanvas);
  };
  seeCanvas();
};

/** `latency.watch` records the video alone; here its pictures are recorded otherwise. */
ladder.withoutVideoFrames = () => {
  const video = document.querySelector("video");
  const request = video.requestVideoFrameCallback;
  video.requestVideoFrameCallback = () => 0;
  return { video, callback: () => (video.requestVideoFrameCallback = request) };
};
