// A message of the motion stream → its frames. Each is decodable alone. docs/motion.md, "Messages"

import { BoolDecoder, EVEN, MotionError } from "./bool_decoder.js";

const VERSION = 1;
const HEADER_BYTES = 7;
const MAX_BYTES = 1100;
const MAX_FRAMES = 8;
const MAX_ACTION_UNITS = 32;
const LARGEST = 1023;
const MAX_BITS = 60_000;
const AGAIN = 220;
const ACTION_UNITS = 1;
const POSES = 2;
const POSE_STEPS = [0.01, 0.01, 0.01, 1e-4, 1e-4, 1e-4];
const POSE_BYTES = 12;

/**
 * { firstFrame, frames: [{ coefficients, actionUnits, pose }] }, with all coefficients, also while the atlas is not yet whole.
 * Throws a MotionError for a message that is damaged, of another version or of another atlas.
 */
export function decodeMessage(bytes, atlas) {
  const { count, firstFrame, sections } = readHeader(bytes, atlas.header.identity);
  let start = HEADER_BYTES;
  const actionUnits = sections & ACTION_UNITS ? readActionUnits(bytes, start, count) : { rows: [], end: start };
  start = actionUnits.end;
  const poses = sections & POSES ? readPoses(bytes, start, count) : { rows: [], end: start };
  const rows = readCoefficients(bytes.subarray(poses.end), atlas.coders, count);
  const frames = rows.map((coefficients, i) => ({
    coefficients,
    actionUnits: actionUnits.rows[i] ?? [],
    pose: poses.rows[i] ?? [],
  }));
  return { firstFrame, frames };
}

function readHeader(bytes, identity) {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_BYTES) throw new MotionError(`A motion message of ${bytes.length} bytes came.`);
  const [start, atlas, sections] = bytes;
  if (start >> 4 !== VERSION) throw new MotionError(`A motion message of version ${start >> 4} came, this page reads version ${VERSION}.`);
  const count = start & 15;
  if (count < 1 || count > MAX_FRAMES || sections & ~(ACTION_UNITS | POSES)) {
    throw new MotionError(`A motion message of ${count} frames with sections ${sections} came.`);
  }
  if (atlas !== identity) throw new MotionError(`A motion message of atlas ${atlas} came, atlas ${identity} is here.`);
  return { count, sections, firstFrame: viewOf(bytes).getUint32(3, true) };
}

function readActionUnits(bytes, start, count) {
  const units = bytes[start] ?? 0;
  const end = start + 1 + units * count;
  if (units < 1 || units > MAX_ACTION_UNITS || end > bytes.length) {
    throw new MotionError(`A motion message of ${bytes.length} bytes announces ${units} action units for ${count} frames.`);
  }
  const at = (frame) => Array.from(bytes.subarray(start + 1 + frame * units, start + 1 + (frame + 1) * units), (n) => n / 255);
  return { rows: Array.from({ length: count }, (_, frame) => at(frame)), end };
}

function readPoses(bytes, start, count) {
  const end = start + POSE_BYTES * count;
  if (end > bytes.length) throw new MotionError(`A motion message of ${bytes.length} bytes has no room for ${count} poses.`);
  const view = viewOf(bytes);
  const at = (frame) => POSE_STEPS.map((step, i) => view.getInt16(start + POSE_BYTES * frame + 2 * i, true) * step);
  return { rows: Array.from({ length: count }, (_, frame) => at(frame)), end };
}

function readCoefficients(bytes, coders, count) {
  const coder = new BoolDecoder(bytes, MAX_BITS);
  let before = coders.map(() => 0);
  return Array.from({ length: count }, () => {
    if (!coder.read(AGAIN)) before = coders.map(({ zero, last }) => readNumber(coder, zero, last));
    return before;
  });
}

function readNumber(coder, zero, last) {
  if (!coder.read(zero)) return 0;
  const negative = coder.read(EVEN);
  let size = 1;
  while (size < LARGEST && coder.read(last)) size += 1;
  return negative ? -size : size;
}

function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
