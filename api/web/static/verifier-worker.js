// The worker that verifies: the Go program, what it keeps in IndexedDB, and the way of
// the trust files there from /trust/. It answers scans while an update is under way.

import { Database } from "./database.js";
import { start } from "./program.js";
import { compiled, serve } from "./serve.js";

// More than any trust file may have; the program knows the limit of each.
const maxFile = 32 << 20;

// The trust files and the memory of their versions are one record, so that they are
// never of two different times. What was shown at this counter is another.
const database = new Database("elicence-verifier"), trustKey = "trust", shownKey = "shown";

// One file of /trust/, or null if there is none of the name.
async function fetchTrust(name) {
  const response = await fetch("/trust/" + name, { cache: "no-cache", signal: AbortSignal.timeout(30000) });
  const told = Date.parse(response.headers.get("Date"));
  if (told) behind = Math.round((told - Date.now()) / 1000);
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`/trust/${name}: status ${response.status}`);
  if (Number(response.headers.get("Content-Length")) > maxFile) throw new Error(`/trust/${name} is too large`);
  const content = new Uint8Array(await response.arrayBuffer());
  if (content.length > maxFile) throw new Error(`/trust/${name} is too large`);
  return content;
}

// By how many seconds this device's clock is behind the server's. A hint for people: it
// decides nothing, since nobody has signed it.
let behind = 0;
let problem = null; // why the last update was refused, or null
let updated = null; // when the last one was not
let stored = true; // whether the storage took what is to be kept
let atCounter = false;

function about() {
  return { ...JSON.parse(elicence.about()), problem, updated, stored, behind };
}

async function write(key, value) {
  try {
    await database.write(key, value);
    stored = true;
  } catch {
    stored = false;
  }
}

// At a first visit the files that every cache has are fetched while the program is on its
// way. What they are worth is decided when it asks for them.
const early = new Map();

const kept = database.read(trustKey).catch(() => { stored = false; });
kept.then((before) => {
  if (before) return;
  for (const name of ["1.root", "2.root", "time", "trust", "catalogue", "status"]) {
    const file = fetchTrust(name);
    file.catch(() => {}); // whoever reads it hears of it
    early.set(name, file);
  }
});

function readTrust(name) {
  const file = early.get(name) ?? fetchTrust(name);
  early.delete(name);
  return file;
}

async function restore() {
  const before = await kept;
  if (!before) return;
  try {
    await elicence.restore(before);
  } catch (error) {
    problem = String(error);
  }
}

let refreshing = null;

// Two updates at once are one.
function refresh() {
  refreshing ??= update().finally(() => { refreshing = null; });
  return refreshing;
}

async function update() {
  try {
    const next = await elicence.refresh(readTrust);
    if (next) await write(trustKey, next);
    problem = null;
    updated = Date.now();
  } catch (error) {
    problem = String(error);
  } finally {
    early.clear();
  }
}

serve(start(compiled).then(restore), {
  about,
  refresh: () => refresh().then(about),
  // Forgetting which versions were used is a decision of a person.
  forget: () => database.forget(trustKey),
  isWhole: (text) => elicence.isWhole(text),
  async verify(text) {
    const found = JSON.parse(elicence.verify(text));
    // What was shown live is on the disk before anybody is told that it was good.
    if (atCounter && found.code.kind > 1) await write(shownKey, elicence.shown());
    return found;
  },
  // A counter remembers what it was shown, and may ask for it.
  async counter() {
    await elicence.recall((await database.read(shownKey).catch(() => null)) ?? new Uint8Array());
    atCounter = true;
  },
  ask: (hall) => elicence.ask(hall),
  stopAsking: () => elicence.stopAsking(),
});
