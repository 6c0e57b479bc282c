// The worker that reads and draws QR symbols.

import { start } from "./program.js";
import { serve } from "./serve.js";

serve(start("webpicture"), {
  read: ({ rgba, width, height }) => elicencePicture.read(rgba, width, height),
  draw: (text) => elicencePicture.draw(text),
});
