// Draws the symbol of a code: plain black on white, each module a whole number of the
// screen's pixels, so that no edge is grey.

import { pictureWorker } from "./picture.js";

const widest = 560; // CSS pixels

export async function drawSymbol(canvas, code) {
  const { size, modules, problem } = await pictureWorker().ask("draw", code);
  if (problem) throw new Error("the code cannot be drawn");
  const scale = Math.max(2, Math.floor((Math.min(innerWidth - 40, widest) * devicePixelRatio) / size));
  canvas.width = canvas.height = size * scale;
  canvas.style.width = canvas.style.height = `${(size * scale) / devicePixelRatio}px`;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000";
  modules.forEach((dark, i) => { if (dark) context.fillRect((i % size) * scale, Math.floor(i / size) * scale, scale, scale); });
  canvas.dataset.code = code;
}

export function clearSymbol(canvas) {
  canvas.width = canvas.height = 1;
  delete canvas.dataset.code;
}
