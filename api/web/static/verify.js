// The verification page: sends a code or a file, shows the answer.

import { Answer } from "./answer.js";
import { askServer } from "./server.js";
import { facts } from "./words.js";

const $ = (id) => document.getElementById(id);
const form = $("form"), code = $("code"), file = $("file"), drop = $("drop"), send = $("send"), answer = new Answer($("answer"));

// What is behind '#' in a printed address never reached the server; it is put into
// the form, and the person decides to send it.
function takeFragment() {
  const digits = location.hash.slice(1);
  if (digits) {
    code.value = digits;
    history.replaceState(null, "", location.pathname);
    send.focus();
  }
}

let asked = 0; // what was asked last; an answer to anything before it comes too late

// The name is that of a file.
async function ask(body, type, password, name) {
  const mine = ++asked;
  answer.clear();
  send.disabled = true;
  $("working").hidden = false;
  $("working").scrollIntoView({ block: "nearest" });
  try {
    const found = await askServer(body, type, password);
    if (mine !== asked) return;
    answer.show(found);
  } catch (problem) {
    if (mine !== asked) return;
    answer.problem(problem.zh, problem.en, problem.detail);
  } finally {
    if (mine === asked) finish(name);
  }
}

function finish(name) {
  if (name) answer.facts.prepend(...facts([["文件", "File", name]]));
  $("working").hidden = true;
  send.disabled = false;
  answer.section.scrollIntoView({ block: "nearest" });
  // The next scan takes the place of this one.
  if (code.value) {
    code.focus({ preventScroll: true });
    code.select();
  }
}

function askFile(chosen) {
  ask(chosen, chosen.type || "application/octet-stream", $("password").value, chosen.name);
}

form.addEventListener("submit", (event) => {
  if (event.submitter?.closest("#reports")) return; // the browser itself asks for a report
  event.preventDefault();
  const text = code.value.trim();
  if (text) ask(JSON.stringify({ code: text }), "application/json");
  else if (file.files.length) askFile(file.files[0]);
  else code.focus();
});

// A scanner in keyboard mode ends with Enter.
code.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    form.requestSubmit(send);
  }
});

file.addEventListener("change", () => {
  if (file.files.length) {
    code.value = "";
    askFile(file.files[0]);
  }
});

for (const name of ["dragover", "dragenter"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) {
    code.value = "";
    askFile(event.dataTransfer.files[0]);
  }
});
// A file that misses the field must not replace the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
window.addEventListener("hashchange", takeFragment);
takeFragment();
