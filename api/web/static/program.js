// Starts a Go program of /wasm/ in a worker. The program says by elicenceReady that its
// object is in place.

import "/wasm/wasm_exec.js";

// Compiled here, where nobody has done it already.
export function compile(name) {
  return WebAssembly.compileStreaming(fetch(`/wasm/${name}.wasm`));
}

// compiled is a promise of the program.
export async function start(compiled) {
  const go = new Go();
  const ready = new Promise((resolve) => { globalThis.elicenceReady = resolve; });
  const instance = await WebAssembly.instantiate(await compiled, go.importObject);
  // It runs as long as the worker; if it ends, something is badly wrong.
  const ended = go.run(instance).then(() => { throw new Error("the program has stopped"); });
  await Promise.race([ready, ended]);
}
