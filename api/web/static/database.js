// IndexedDB, one request at a time: what the pages keep lies in one store each.

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class Database {
  constructor(name) {
    this.name = name;
  }

  open() {
    const request = indexedDB.open(this.name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("kept");
    return settled(request);
  }

  // The result is there when it is on the disk.
  async inTransaction(mode, work) {
    const db = await this.open();
    try {
      const transaction = db.transaction("kept", mode, { durability: "strict" });
      const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      const result = await settled(work(transaction.objectStore("kept")));
      await done;
      return result;
    } finally {
      db.close();
    }
  }

  read(key) { return this.inTransaction("readonly", (store) => store.get(key)); }
  all() { return this.inTransaction("readonly", (store) => store.getAll()); }
  write(key, value) { return this.inTransaction("readwrite", (store) => store.put(value, key)); }
  forget(key) { return this.inTransaction("readwrite", (store) => store.delete(key)); }
}
