// The worker that makes what a wallet's key signs, and codes of it.

import { compile, start } from "./program.js";
import { serve } from "./serve.js";

serve(start(compile("webverify")), {
  hall: (question) => elicence.hall(question),
  toSign: ({ credential, seconds, question }) => elicence.toSign(credential, seconds, question),
  present: ({ credential, seconds, question, signature }) => elicence.present(credential, seconds, question, signature),
  normal: ({ point, signature }) => elicence.normal(point, signature),
});
