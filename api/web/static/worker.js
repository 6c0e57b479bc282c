// Asks a worker and waits for its answers.

export class Asked {
  constructor(script) {
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
