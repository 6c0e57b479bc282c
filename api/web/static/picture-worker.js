// The worker that reads and draws QR symbols.

import { start } from "./program.js";

const started = start("webpicture");

const commands = {
  read: ({ rgba, width, height }) => elicencePicture.read(rgba, width, height),
  draw: (text) => elicencePicture.draw(text),
};

onmessage = async ({ data: { id, command, argument } }) => {
  try {
    await started;
    postMessage({ id, result: commands[command](argument) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
};
