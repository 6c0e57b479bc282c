// The verification page: sends a code or a file, shows the answer.

const $ = (id) => document.getElementById(id);
const form = $("form"), code = $("code"), file = $("file"), drop = $("drop"), send = $("send"), answer = $("answer");

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

// All times are shown as the hall's clock shows them.
function localTime(text) {
  return new Date(text).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false });
}

const labels = {
  category: "类别 Category", category_name: "名称 Name", holder: "持证人 Holder", id_masked: "证件号码 Document", number: "编号 Number",
  issuer: "发证机关 Issuer", valid_from: "起始 From", valid_until: "截止 Until", status_as_of: "状态数据时间 Status as of",
};

function addFact(name, value) {
  const dt = document.createElement("dt"), dd = document.createElement("dd");
  dt.textContent = name;
  dd.textContent = value;
  $("facts").append(dt, dd);
}

function addFacts(facts) {
  for (const [key, label] of Object.entries(labels)) {
    if (facts[key] != null) addFact(label, key === "status_as_of" ? localTime(facts[key]) : facts[key]);
    else if (key === "valid_until" && facts.valid_from != null) addFact(label, "长期 long-term");
  }
}

function show(found) {
  const w = found.wording;
  answer.className = w.colour;
  $("symbol").textContent = w.symbol;
  $("zh").textContent = w.zh;
  $("en").textContent = w.en;
  $("next-zh").textContent = w.next_zh;
  $("next-en").textContent = w.next_en;
  $("cause-zh").textContent = found.cause_zh || "";
  $("cause-en").textContent = found.cause;
  $("facts").replaceChildren();
  if (found.code) {
    addFacts(found.code);
    for (const l of found.field_labels) addFact(`${l.zh} ${l.en}`, found.code.fields[l.code]);
    if (found.code.document) {
      const d = found.code.document;
      addFact("文件编号 Document", d.number);
      addFact("原件长度 Length", d.length + " bytes");
      addFact("原件 SM3", d.sm3);
      addFact("印章 Seals", d.seals.join(", "));
    }
  }
  if (found.document) {
    if (found.document.licence) addFacts(found.document.licence);
    for (const s of found.document.signatures) {
      const kind = s.kind === "seal" ? "印章 Seal" : s.kind === "person" ? "签名 Signature" : "签名 Signature (?)";
      addFact(kind, `${s.valid ? "✓" : "✗"} ${s.signer || s.field} · ${localTime(s.signed_at)} · 第 ${s.page} 页 page ${s.page}${s.valid ? "" : " · " + s.cause}`);
    }
  }
  answer.hidden = false;
  answer.scrollIntoView({ behavior: "smooth", block: "nearest" });
}

function showProblem(zh, en, detail) {
  show({ wording: { colour: "amber", symbol: "↻", zh, en, next_zh: "请检查后重试", next_en: "Check it and try again" }, cause: detail || "" });
}

async function ask(body, type) {
  send.disabled = true;
  try {
    const response = await fetch("/v1/verifications", { method: "POST", headers: { "Content-Type": type, Accept: "application/json" }, body });
    const found = await response.json();
    if (response.ok) show(found);
    else if (response.status === 429) showProblem("请求过多", "Too many requests", found.detail);
    else showProblem("无法核验这个内容", "This cannot be judged", found.detail);
  } catch {
    showProblem("连接不上服务器", "The server cannot be reached");
  } finally {
    send.disabled = false;
    // The next scan takes the place of this one.
    if (code.value) {
      code.focus({ preventScroll: true });
      code.select();
    }
  }
}

function askFile(chosen) {
  ask(chosen, chosen.type || "application/octet-stream");
}

form.addEventListener("submit", (event) => {
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
    form.requestSubmit();
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
