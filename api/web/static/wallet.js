// The wallet: shows bound licences as codes that change, with or without a network.

import { Database } from "./database.js";
import { newKey, sign } from "./devicekey.js";
import { workOffline } from "./offline.js";
import { Camera, readFile } from "./picture.js";
import { clearSymbol, drawSymbol } from "./symbol.js";
import * as api from "./wallet-api.js";
import { both } from "./words.js";
import { Asked } from "./worker.js";

const changeEvery = 30; // seconds; a code is good for 90 before and after its own
const answerFor = 90; // seconds that the answer to a hall is shown
const clockJitter = 3000; // ms by which a clock is off for no reason but the way to the server

const $ = (id) => document.getElementById(id);
const database = new Database("elicence-wallet");
const worker = new Asked("wallet-worker.js");
let held = []; // what the database has, but for a key whose licence has not come yet
// What is on the screen, or null: the licence and profile, the hall's question that is
// answered or null, the time until which the code stays and for how many seconds it does.
// next is a code that takes its turn before those made here, or null. serial changes with
// everything that makes a code under way the wrong one.
let showing = null;

const profileNames = { full: ["全部", "everything"], masked: ["隐去姓名等", "name hidden"], minimal: ["最少", "as little as possible"] };
const choiceNames = { number: ["编号", "number"], holder: ["持证人", "holder"], id_masked: ["证件号码", "ID number"], validity: ["有效期", "validity"] };

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

function alarm(error) {
  $("alarm").hidden = !error;
  if (error) both($("alarm"), error.zh ?? "出错了", error.zh ? error.en : String(error));
}

// --- the list

const validity = (summary) => `${summary.valid_from} 至 ${summary.valid_until ?? "长期 long-term"}`;

function showList() {
  $("list").replaceChildren(...held.map((one) => {
    const { summary } = one;
    const button = make("button", "licence",
      make("strong", "", summary.category_name), make("span", "", summary.holder), make("span", "", summary.id_masked || summary.number), make("span", "", validity(summary)));
    button.type = "button";
    button.addEventListener("click", () => {
      open(one);
      refresh(one);
    });
    return button;
  }));
  if (!held.length) $("list").replaceChildren(both(make("p", "hint"), "还没有绑定证照。", "No licence is bound to this device yet."));
}

async function readHeld() {
  held = (await database.all()).filter((one) => one.licence);
  showList();
}

async function keep(one) {
  await database.write(one.licence, one);
  await readHeld();
}

// --- showing one

const serverNow = (one) => Date.now() + one.ahead;
const usable = (one) => one.credentials.filter((c) => Date.parse(c.expires) > serverNow(one));

function open(one) {
  showing = { licence: one, profile: usable(one)[0]?.profile, question: null, until: 0, length: changeEvery, next: null, serial: 0 };
  $("showing-name").textContent = one.summary.category_name;
  $("showing-holder").textContent = `${one.summary.holder} ${one.summary.id_masked ?? ""}`;
  showProfiles();
  showChoices();
  $("list").hidden = $("bind").hidden = true;
  $("showing").hidden = false;
  $("asked-by").hidden = true;
  $("choosing").open = false;
  alarm(null);
  $("showing-name").focus();
  if (!showing.profile) alarm({ zh: "凭证已到期，请联网续期", en: "The credential is over: renew it with a network" });
  tick();
}

function close() {
  showing = null;
  $("showing").hidden = true;
  $("list").hidden = $("bind").hidden = false;
  clearSymbol($("symbol"));
  alarm(null);
}

function showProfiles() {
  $("profiles").hidden = showing.licence.credentials.length < 2;
  $("profiles").replaceChildren($("profiles").querySelector("legend"), ...usable(showing.licence).map(({ profile }) => {
    const input = make("input", "");
    input.type = "radio";
    input.name = "profile";
    input.checked = profile === showing.profile;
    input.addEventListener("change", () => {
      change({ profile });
    });
    return make("label", "choice", input, both(make("span", ""), ...(profileNames[profile] ?? [profile, ""])));
  }));
}

function showChoices() {
  const { choices, summary } = showing.licence;
  $("choosing").hidden = !choices?.length;
  $("choice-list").replaceChildren(...(choices ?? []).map((name) => {
    const field = summary.fields.find((f) => "fields." + f.code === name);
    const input = make("input", "");
    input.type = "checkbox";
    input.value = name;
    return make("label", "choice", input, both(make("span", ""), ...(field ? [field.zh, field.en] : choiceNames[name] ?? [name, ""])));
  }));
}

async function makeCode({ licence, profile, question }) {
  const { credential } = licence.credentials.find((c) => c.profile === profile);
  const seconds = Math.floor(serverNow(licence) / 1000);
  const message = await worker.ask("toSign", { credential, seconds, question });
  return worker.ask("present", { credential, seconds, question, signature: await sign(licence.key, message) });
}

// Another code than the one on the screen is wanted.
function change(wanted) {
  Object.assign(showing, { question: null, next: null }, wanted, { until: 0, serial: showing.serial + 1 });
  clearSymbol($("symbol"));
  alarm(null);
  tick();
}

// Puts the code that is due on the screen, unless something else is wanted by then.
async function put(current) {
  const { serial, next } = current;
  // An answer is for one hall and once; the codes that change come after it.
  if (current.until > 0) current.question = null;
  const seconds = next?.seconds ?? (current.question ? answerFor : changeEvery);
  const wanted = () => showing === current && current.serial === serial;
  try {
    const code = next?.code ?? (await makeCode(current));
    if (!wanted()) return;
    await drawSymbol($("symbol"), code);
    Object.assign(current, { until: Date.now() + seconds * 1000, length: seconds, next: null });
  } catch (error) {
    if (!wanted()) return;
    alarm(error);
    current.until = Date.now() + 5000;
  }
}

let putting = false; // one code at a time is made

async function tick() {
  if (!showing?.profile) return clearSymbol($("symbol"));
  if (showing.until <= Date.now() && !putting) {
    putting = true;
    await put(showing);
    putting = false;
  }
  if (showing) showCountdown(showing);
}

function showCountdown(current) {
  $("asked-by").hidden = !current.question;
  const left = Math.max(0, Math.ceil((current.until - Date.now()) / 1000));
  both($("countdown-text"), `${left} 秒后更新`, `changes in ${left} s`);
  $("countdown-bar").value = left / current.length;
}

setInterval(() => { if (showing && !document.hidden) tick(); }, 500);
document.addEventListener("visibilitychange", () => {
  // A code that nobody saw for a while is not shown for a moment more.
  if (!document.hidden && showing && showing.until < Date.now()) {
    clearSymbol($("symbol"));
    tick();
  }
});

$("back").addEventListener("click", close);

// --- online: renewing, choosing, removing

// Whenever there is a network: the clock is compared, and the credential renewed in time.
async function refresh(one) {
  if (!navigator.onLine) return;
  try {
    const ahead = await api.clockAhead();
    if (Math.abs(ahead - one.ahead) > clockJitter) {
      one.ahead = ahead;
      await keep(one);
      if (showing?.licence === one) change({});
    }
    if (Date.parse(one.renewAt) > serverNow(one)) return;
    const renewed = await api.renew(worker, one);
    await keep(renewed);
    if (showing?.licence === one) open(renewed);
  } catch (error) {
    // While the old credential lives, only a refusal matters.
    if (error.type !== "network" || !usable(one).length) alarm(error);
  }
}

$("choices").addEventListener("submit", async (event) => {
  event.preventDefault();
  const current = showing;
  const fields = [...$("choice-list").querySelectorAll("input:checked")].map((input) => input.value);
  try {
    const { code, expires } = await api.choose(worker, current.licence, fields);
    if (showing !== current) return;
    change({ next: { code, seconds: Math.floor((Date.parse(expires) - serverNow(current.licence)) / 1000) } });
    $("symbol").scrollIntoView({ block: "center" });
  } catch (error) {
    alarm(error);
  }
});

let sure = 0;
$("remove").addEventListener("click", async () => {
  if (Date.now() - sure > 5000) {
    sure = Date.now();
    both($("remove"), "再按一次确认解除", "Press again to remove");
    return;
  }
  const one = showing.licence;
  try {
    await api.unbind(worker, one);
  } catch (error) {
    if (error.type !== "#unbound" && error.type !== "#device") return alarm(error);
  }
  await database.forget(one.licence);
  await readHeld();
  close();
  both($("remove"), "解除绑定", "Remove");
});

// --- answering a hall

let question = null;

async function asked(text) {
  try {
    const hall = await worker.ask("hall", text);
    question = text;
    camera.close();
    $("video").hidden = true;
    both($("scanner-says"), `“${hall}”要求查看您的证照。`, `${hall} asks for your licence.`);
    $("agree").hidden = false;
    $("agree").focus();
  } catch {
    both($("scanner-says"), "这不是窗口的码", "This is not a hall's code");
  }
}

const camera = new Camera($("video"), (found) => { if (found.text) asked(found.text); });

$("answer-hall").addEventListener("click", async () => {
  question = null;
  $("agree").hidden = true;
  $("video").hidden = false;
  both($("scanner-says"), "请对准窗口屏幕上的码", "Point at the code on the counter's screen");
  $("scanner").showModal();
  try {
    await camera.open();
  } catch {
    $("video").hidden = true;
    if (question === null) both($("scanner-says"), "打不开摄像头，可以选图片", "The camera cannot be opened: choose a picture");
  }
});

$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (!file) return;
  const read = await readFile(file).catch(() => ({}));
  if (read.text) asked(read.text);
  else both($("scanner-says"), "图片里没有读出码", "No code was read from the picture");
});

$("agree").addEventListener("click", async () => {
  const hall = await worker.ask("hall", question);
  $("scanner").close();
  both($("asked-by"), `正在向“${hall}”出示`, `shown to ${hall}`);
  change({ question });
});

$("cancel").addEventListener("click", () => $("scanner").close());
$("scanner").addEventListener("close", () => camera.close());

// --- binding

$("bind").addEventListener("submit", async (event) => {
  event.preventDefault();
  const code = $("code").value.replace(/\D/g, "");
  $("bind-button").disabled = true;
  alarm(null);
  try {
    if (code.length !== 16) throw { zh: "绑定码是 16 位数字", en: "The binding number has 16 digits" };
    if (!checks(code)) throw { zh: "绑定码有误，请与窗口给的号码核对", en: "The number has a slip: compare it with the one from the counter" };
    // The key is kept before it is sent, so that a lost answer can be asked for again.
    const waiting = await pending(code);
    await keep(await api.bind(worker, waiting.key, code));
    await database.forget("pending");
    $("code").value = "";
    navigator.storage?.persist?.();
  } catch (error) {
    alarm(error);
  } finally {
    $("bind-button").disabled = false;
  }
});

// The last digit checks the others (ISO/IEC 7064 MOD 11,10): a slip costs no try.
function checks(code) {
  let p = 10;
  for (const digit of code.slice(0, -1)) p = (((p + Number(digit)) % 10 || 10) * 2) % 11;
  return (p + Number(code.at(-1))) % 10 === 1;
}

async function pending(code) {
  const before = await database.read("pending");
  if (before?.code === code) return before;
  const made = { code, key: await newKey() };
  await database.write("pending", made);
  return made;
}

// The picture of a binding number is an address with the digits behind '#'.
function takeFragment() {
  const digits = location.hash.slice(1);
  if (!digits) return;
  history.replaceState(null, "", location.pathname);
  $("code").value = digits.replace(/(\d{4})(?=\d)/g, "$1 ");
  $("bind-button").focus();
}

async function start() {
  try {
    await readHeld();
  } catch {
    alarm({ zh: "浏览器不保存数据，不能绑定证照", en: "The browser keeps nothing: no licence can be bound" });
    showList();
  }
  for (const one of held) refresh(one);
}

window.addEventListener("hashchange", takeFragment);
takeFragment();
start();
workOffline(() => showing === null).then((works) => { $("works-offline").hidden = !works; });
