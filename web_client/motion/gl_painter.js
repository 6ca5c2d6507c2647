// Draws a portrait's layers with WebGL2: every picture point fetches the portrait's pixel that moved there, then the paint.

import { CROP_SIZE } from "./atlas.js";
import { fineFlow } from "./flow.js";

const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

const VERTEX = `#version 300 es
void main() { gl_Position = vec4(vec2[](vec2(-1, -1), vec2(3, -1), vec2(-1, 3))[gl_VertexID], 0, 1); }`;

// The steps are those of docs/motion.md, "What is drawn"; cubic interpolation with a = -0.75, as the server's.
const FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2D;
uniform sampler2D portrait, flow, paint;
uniform float side, crop;
uniform mat3x2 toPicture, toCrop;
uniform vec4 box;
out vec4 colour;

vec4 weights(float t) {
  float a = -0.75, s = 1.0 - t;
  float w0 = ((a * (t + 1.0) - 5.0 * a) * (t + 1.0) + 8.0 * a) * (t + 1.0) - 4.0 * a;
  float w1 = ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
  float w2 = ((a + 2.0) * s - (a + 3.0)) * s * s + 1.0;
  return vec4(w0, w1, w2, 1.0 - w0 - w1 - w2);
}

vec4 cubic(sampler2D image, vec2 at) {
  ivec2 last = textureSize(image, 0) - 1, first = ivec2(floor(at)) - 1;
  vec4 across = weights(fract(at.x)), down = weights(fract(at.y)), sum = vec4(0);
  for (int j = 0; j < 4; j++) for (int i = 0; i < 4; i++)
    sum += across[i] * down[j] * texelFetch(image, clamp(first + ivec2(i, j), ivec2(0), last), 0);
  return sum;
}

vec2 flowAt(vec2 q) {
  ivec2 first = ivec2(floor(q));
  vec2 t = fract(q), sum = vec2(0);
  for (int j = 0; j < 2; j++) for (int i = 0; i < 2; i++)
    sum += texelFetch(flow, first + ivec2(i, j), 0).xy * (i == 0 ? 1.0 - t.x : t.x) * (j == 0 ? 1.0 - t.y : t.y);
  return sum;
}

void main() {
  vec2 p = vec2(gl_FragCoord.x - 0.5, side - 0.5 - gl_FragCoord.y);
  vec2 q = toCrop * vec3(p, 1);
  vec3 shown = texelFetch(portrait, ivec2(p), 0).rgb * 255.0;
  if (min(q.x, q.y) > 0.0 && max(q.x, q.y) < crop - 1.0) {
    vec2 moved = flowAt(q);
    vec2 offset = mat2(toPicture[0], toPicture[1]) * moved;
    if (dot(moved, moved) > 1e-6) shown = clamp(cubic(portrait, p + offset).rgb, 0.0, 1.0) * 255.0;
  }
  vec2 inside = q - box.xy, size = box.zw - box.xy;
  if (all(greaterThanEqual(inside, vec2(-0.5))) && all(lessThanEqual(inside, size - 0.5))) {
    vec4 laid = cubic(paint, inside);
    shown = shown * (1.0 - laid.a) + laid.rgb;
  }
  colour = vec4(clamp(shown / 255.0, 0.0, 1.0), 1);
}`;

/** Whether a graphics processor would draw: without one, CanvasPainter is as quick and stalls nothing else. */
export function hasQuickWebGl2() {
  const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  const renderer = names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl !== null && !SOFTWARE.test(renderer);
}

export class GlPainter {
  #gl;
  #textures;
  #atlas;

  /** `canvas`: of the portrait's size, with no context yet. `portrait`: ImageBitmap. `atlas`: its header is read. */
  constructor(canvas, portrait, atlas) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("This browser has no WebGL2.");
    this.#gl = gl;
    this.#atlas = atlas;
    const program = linked(gl);
    gl.useProgram(program);
    this.#textures = Object.fromEntries(["portrait", "flow", "paint"].map((name, unit) => [name, texture(gl, program, name, unit)]));
    gl.activeTexture(gl.TEXTURE0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, portrait);
    const { toPicture, box } = atlas.header;
    const side = canvas.width;
    const [xx, xy, x, yx, yy, y] = toPicture.map((value) => value * side);
    const determinant = xx * yy - xy * yx;
    const inverse = [yy / determinant, -yx / determinant, -xy / determinant, xx / determinant];
    const [ix, iy] = [-(inverse[0] * x + inverse[2] * y), -(inverse[1] * x + inverse[3] * y)];
    const place = (name) => gl.getUniformLocation(program, name);
    gl.uniform1f(place("side"), side);
    gl.uniform1f(place("crop"), CROP_SIZE);
    gl.uniform4f(place("box"), ...box);
    gl.uniformMatrix3x2fv(place("toPicture"), false, [xx, yx, xy, yy, x, y]); // column by column
    gl.uniformMatrix3x2fv(place("toCrop"), false, [...inverse, ix, iy]);
    gl.viewport(0, 0, side, side);
  }

  /** One frame: { flow, paint } as atlas.js makes them. */
  draw({ flow, paint }) {
    const gl = this.#gl;
    const { height, width } = this.#atlas.header;
    gl.activeTexture(gl.TEXTURE1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG32F, CROP_SIZE, CROP_SIZE, 0, gl.RG, gl.FLOAT, fineFlow(flow));
    gl.activeTexture(gl.TEXTURE2);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, width, height, 0, gl.RGBA, gl.FLOAT, paint);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Gives the memory back. */
  close() {
    for (const held of Object.values(this.#textures)) this.#gl.deleteTexture(held);
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

function linked(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    const [vertex, fragment] = gl.getAttachedShaders(program);
    throw new Error(`The painter does not compile: ${gl.getShaderInfoLog(vertex)}${gl.getShaderInfoLog(fragment)}`);
  }
  return program;
}

function texture(gl, program, name, unit) {
  const made = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.uniform1i(gl.getUniformLocation(program, name), unit);
  return made;
}
