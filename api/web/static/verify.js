// The verification page: sends a code or a file, shows the answer.

import { Answer } from "./answer.js";
import { askServer } from "./server.js";

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

async function ask(body, type, password) {
  send.disabled = true;
  try {
    answer.show(await askServer(body, type, password));
  } catch (problem) {
    answer.problem(problem.zh, problem.en, problem.detail);
  } finally {
    send.disabled = false;
    answer.section.scrollIntoView({ block: "nearest" });
    // The next scan takes the place of this one.
    if (code.value) {
      code.focus({ preventScroll: true });
      code.select();
    }
  }
}

function askFile(chosen) {
  ask(chosen, chosen.type || "application/octet-stream", $("password").value);
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
