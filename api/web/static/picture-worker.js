// The worker that reads and draws QR symbols.

import { compile, start } from "./program.js";
import { serve } from "./serve.js";

serve(start(compile("webpicture")), {
  read: ({ rgba, width, height }) => elicencePicture.read(rgba, width, height),
  draw: (text) => elicencePicture.draw(text),
});
