// A photograph from the person's own disk: shown here at once, made small enough for the server.

import { portraitUnreadable } from "./failures.js";

const LONGEST_SIDE_PX = 2048;
const JPEG_QUALITY = 0.92;

/**
 * The file as it is where it keeps the server's limits, else a smaller JPEG of it.
 * `limits`: { portrait_bytes, portrait_pixels }. Throws a Failure for what is no picture.
 */
export async function fitForUpload(file, limits) {
  const picture = await createImageBitmap(file).catch(() => {
    throw portraitUnreadable();
  });
  const small = file.size <= limits.portrait_bytes && picture.width * picture.height <= limits.portrait_pixels;
  const blob = small && isAccepted(file.type) ? file : await shrink(picture);
  picture.close();
  return blob;
}

function isAccepted(type) {
  return ["image/jpeg", "image/png", "image/webp"].includes(type);
}

function shrink(picture) {
  const scale = Math.min(1, LONGEST_SIDE_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => {
    canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY);
  });
}
