// Starts a Go program of /wasm/ in a worker. The program says by elicenceReady that its
// object is in place.

import "/wasm/wasm_exec.js";

export async function start(name) {
  const go = new Go();
  const ready = new Promise((resolve) => { globalThis.elicenceReady = resolve; });
  const { instance } = await WebAssembly.instantiateStreaming(fetch(`/wasm/${name}.wasm`), go.importObject);
  // It runs as long as the worker; if it ends, something is badly wrong.
  const ended = go.run(instance).then(() => { throw new Error(`${name} has stopped`); });
  await Promise.race([ready, ended]);
}
