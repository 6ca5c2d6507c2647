// Cubic interpolation as the server's: a = -0.75, positions to a 32nd.

export const STEPS = 32;
const A = -0.75;

/** Four weights for each of the 32 places between two elements. */
export const WEIGHTS = Float32Array.from({ length: 4 * STEPS }, (_, i) => weights(Math.floor(i / 4) / STEPS)[i % 4]);

function weights(t) {
  const s = 1 - t;
  const w0 = ((A * (t + 1) - 5 * A) * (t + 1) + 8 * A) * (t + 1) - 4 * A;
  const w1 = ((A + 2) * t - (A + 3)) * t * t + 1;
  const w2 = ((A + 2) * s - (A + 3)) * s * s + 1;
  return [w0, w1, w2, 1 - w0 - w1 - w2];
}

/** A field of `side` · `side` vectors of two → `size` · `size`, by cubic interpolation between the elements' middles. */
export function enlarge(field, side, size) {
  const taps = Array.from({ length: size }, (_, i) => {
    const at = ((i + 0.5) * side) / size - 0.5;
    const first = Math.floor(at) - 1;
    const cells = [0, 1, 2, 3].map((tap) => Math.min(side - 1, Math.max(0, first + tap)));
    return { cells, weights: weights(at - Math.floor(at)) };
  });
  const rows = new Float32Array(2 * size * side); // made taller
  for (let y = 0; y < size; y++) {
    const { cells, weights: w } = taps[y];
    for (let i = 0; i < 2 * side; i++) {
      let sum = 0;
      for (let tap = 0; tap < 4; tap++) sum += w[tap] * field[2 * side * cells[tap] + i];
      rows[2 * side * y + i] = sum;
    }
  }
  const out = new Float32Array(2 * size * size);
  for (let x = 0; x < size; x++) {
    const { cells, weights: w } = taps[x];
    for (let y = 0; y < size; y++) {
      const from = 2 * side * y;
      for (let axis = 0; axis < 2; axis++) {
        let sum = 0;
        for (let tap = 0; tap < 4; tap++) sum += w[tap] * rows[from + 2 * cells[tap] + axis];
        out[2 * (size * y + x) + axis] = sum;
      }
    }
  }
  return out;
}
