// Asks a worker and waits for its answers.

export class Asked {
  // A program of /wasm/ that the worker waits for is fetched and compiled here, while the
  // worker's scripts are on their way.
  constructor(script, program = null) {
    this.worker = new Worker(`/static/${script}`, { type: "module" });
    this.waiting = new Map();
    this.last = 0;
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    };
    // A worker that does not even start answers nothing by itself.
    this.worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "the worker cannot start"));
      this.waiting.clear();
    };
    if (program) {
      (async () => WebAssembly.compileStreaming(fetch(`/wasm/${program}.wasm`)))().then(
        (compiled) => this.worker.postMessage({ compiled }),
        (error) => this.worker.postMessage({ failed: String(error) }),
      );
    }
  }

  ask(command, argument, transfer = []) {
    return new Promise((resolve, reject) => {
      const id = ++this.last;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, command, argument }, transfer);
    });
  }

  stop() {
    this.worker.terminate();
  }
}
