// What a phone opens from the code on paper. The code is behind '#', which no browser
// sends anywhere; it is judged here, on the phone.

import { Answer } from "./answer.js";
import { readFile } from "./picture.js";
import { askServer } from "./server.js";
import { Asked } from "./worker.js";

const freshFor = 20 * 60000; // ms: younger data are not asked for again before the answer

const $ = (id) => document.getElementById(id);
const answer = new Answer($("answer"));
let verifier = null;
let asked = ""; // the code, or what of a torn one, that is looked at now

// The address must not keep the code: it would be in the history and in screenshots.
function takeFragment() {
  const text = location.hash.slice(1);
  if (!text) return;
  history.replaceState(null, "", location.pathname);
  check(text);
}

function show(found) {
  // In the citizen's words where we have them, else in those of the counter.
  const { meaning } = found;
  answer.show(meaning ? { ...found, wording: { ...found.wording, next_zh: meaning.next_zh, next_en: meaning.next_en } } : found);
  answer.set("meaning-zh", meaning?.zh);
  answer.set("meaning-en", meaning?.en);
  $("working").hidden = true;
}

function problem(zh, en, detail) {
  answer.problem(zh, en, detail);
  answer.set("meaning-zh", "");
  answer.set("meaning-en", "");
  $("working").hidden = true;
}

async function check(text) {
  asked = text;
  answer.clear();
  $("instead").hidden = true;
  $("working").hidden = false;
  try {
    verifier ??= new Asked("verifier-worker.js", "webverify");
    let about = await verifier.ask("about");
    const old = !about.ready || Date.now() - new Date(about.as_of) > freshFor;
    if (old) about = await verifier.ask("refresh");
    const found = await verifier.ask("verify", text);
    if (asked !== text) return;
    show(found);
    performance.mark("first-verdict");
    if (!about.ready) offerServer(about.problem);
  } catch (error) {
    if (asked !== text) return;
    $("working").hidden = true;
    offerServer(String(error));
  }
}

function offerServer(why) {
  $("instead-why").textContent = why;
  $("instead").hidden = false;
}

$("send").addEventListener("click", async () => {
  const code = asked;
  $("send").disabled = true;
  try {
    const found = await askServer(JSON.stringify({ code }), "application/json");
    if (asked !== code) return;
    show(found);
    $("instead").hidden = true;
  } catch (failed) {
    if (asked === code) problem(failed.zh, failed.en, failed.detail);
  } finally {
    $("send").disabled = false;
  }
});

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("code").value.trim();
  if (text) check(text);
  else $("code").focus();
});

$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  if (!file) return;
  try {
    const read = await readFile(file);
    if (read.text) await check(read.text);
    else problem(read.problem === "several" ? "图片里有不止一个码" : "图片里没有读出码", read.problem === "several" ? "More than one code is in the picture" : "No code was read from the picture");
  } catch {
    problem("不是可用的图片", "This is not a picture that can be used");
  } finally {
    $("file").value = "";
  }
});

$("lookup").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = { number: $("number").value.trim() };
  if ($("holder").value.trim()) query.holder = $("holder").value.trim();
  if ($("id-tail").value.trim()) query.id_tail = $("id-tail").value.trim();
  asked = query;
  $("instead").hidden = true;
  $("lookup-button").disabled = true;
  try {
    const found = await askServer(JSON.stringify(query), "application/json");
    if (asked !== query) return;
    show(found);
    answer.set("meaning-zh", "这是联网查询登记簿的结果，纸上的码没有核验。");
    answer.set("meaning-en", "This is what the register says, looked up online; the code on the paper was not verified.");
  } catch (failed) {
    if (asked === query) problem(failed.zh, failed.en, failed.detail);
  } finally {
    $("lookup-button").disabled = false;
    answer.section.scrollIntoView({ block: "start" });
  }
});

window.addEventListener("hashchange", takeFragment);
takeFragment();
