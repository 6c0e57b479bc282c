// The worker that verifies: the Go program, its trust files in IndexedDB, and their way
// there from /trust/. It answers scans while an update is under way.

import { start } from "./program.js";
import * as kept from "./kept.js";

// More than any trust file may have; the program knows the limit of each.
const maxFile = 32 << 20;

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

function about() {
  return { ...JSON.parse(elicence.about()), problem, updated, stored, behind };
}

async function restore() {
  let before;
  try {
    before = await kept.read();
  } catch {
    stored = false;
  }
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
    const next = await elicence.refresh(fetchTrust);
    if (next) {
      try {
        await kept.write(next);
        stored = true;
      } catch {
        stored = false;
      }
    }
    problem = null;
    updated = Date.now();
  } catch (error) {
    problem = String(error);
  }
}

const started = start("webverify").then(restore);

const commands = {
  about,
  verify: (text) => JSON.parse(elicence.verify(text)),
  refresh: () => refresh().then(about),
  // Forgetting which versions were used is a decision of a person.
  forget: () => kept.forget(),
};

onmessage = async ({ data: { id, command, argument } }) => {
  try {
    await started;
    postMessage({ id, result: await commands[command](argument) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
};
