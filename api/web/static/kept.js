// What the verifier keeps between visits: one record in IndexedDB, put in one
// transaction, so that trust files and the memory of their versions are never of two
// different times.

const key = "trust";

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open() {
  const request = indexedDB.open("elicence-verifier", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("kept");
  return settled(request);
}

async function inTransaction(mode, work) {
  const db = await open();
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

export const read = () => inTransaction("readonly", (store) => store.get(key));
export const write = (kept) => inTransaction("readwrite", (store) => store.put(kept, key));
export const forget = () => inTransaction("readwrite", (store) => store.delete(key));
