// The page at the counter: verifies in the browser, with or without a network.

import { Answer, age, localTime } from "./answer.js";
import { Asking } from "./asking.js";
import { workOffline } from "./offline.js";
import { Camera, readFile } from "./picture.js";
import { play } from "./sound.js";
import { listenForScans } from "./wedge.js";
import { both, facts } from "./words.js";
import { Asked } from "./worker.js";

const clearAfter = 30000; // ms that a person's data stay on the screen
const updateEvery = 5 * 60000; // ms
const clockTolerance = 60; // seconds
const sameCode = 3000; // ms for which a code that stays before the camera is one scan

const offlineWords = {
  null: ["正在为断网使用作准备", "getting ready to work without a network"], true: ["断网可用", "works without a network"], false: ["断网不可用", "needs the network"],
};

const $ = (id) => document.getElementById(id);
const answer = new Answer($("answer"));
const verifier = new Asked("verifier-worker.js", "webverify");
const asking = new Asking(verifier, $("asking"));
const state = { sound: localStorage.getItem("sound") !== "off", busy: false, scans: 0, offline: null, clearing: 0 };

// --- verdicts

function finish() {
  $("idle").hidden = true;
  clearTimeout(state.clearing);
  state.clearing = setTimeout(clear, clearAfter);
  if (state.sound) play(answer.section.className);
}

function clear() {
  answer.clear();
  $("idle").hidden = false;
}

async function verify(text) {
  const scan = ++state.scans;
  state.busy = true;
  try {
    const found = await verifier.ask("verify", text);
    if (scan !== state.scans) return; // somebody else is before the counter by now
    answer.show(found);
    if (asking.waits && ["valid", "valid_stale"].includes(found.verdict)) asking.stop();
  } catch (error) {
    answer.problem("核验程序出错", "The verifier has failed", String(error), "请重新打开本页", "Open this page again");
  } finally {
    state.busy = false;
  }
  finish();
}

function several() {
  answer.problem("画面里有不止一个码", "More than one code is in view", "", "请只出示一个", "Show one alone");
  finish();
}

// --- input

listenForScans(verify, (text) => verifier.ask("isWhole", text));

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("code").value.trim()) verify($("code").value);
  $("code").select();
});

async function verifyPicture(file) {
  try {
    const { text, problem } = await readFile(file);
    if (text) await verify(text);
    else if (problem === "several") several();
    else {
      answer.problem("图片里没有读出码", "No code was read from the picture", "", "请拍清楚后重试", "Take it again, sharp and whole");
      finish();
    }
  } catch {
    answer.problem("不是可用的图片", "This is not a picture that can be used", "", "请换一张", "Choose another");
    finish();
  }
}

$("file").addEventListener("change", () => {
  if ($("file").files.length) verifyPicture($("file").files[0]);
  $("file").value = "";
});
document.addEventListener("paste", (event) => {
  const picture = [...event.clipboardData.files].find((file) => file.type.startsWith("image/"));
  if (picture) {
    event.preventDefault();
    verifyPicture(picture);
  }
});
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
window.addEventListener("drop", (event) => {
  if (event.dataTransfer.files.length) verifyPicture(event.dataTransfer.files[0]);
});

let lastText = "", lastSeen = 0;
const camera = new Camera($("video"), (found) => {
  const text = found.text ?? "several", now = Date.now();
  const again = text === lastText && now - lastSeen < sameCode;
  [lastText, lastSeen] = [text, now];
  if (again) return;
  if (found.text) verify(found.text);
  else several();
});

async function switchCamera() {
  const opening = camera.stream === null;
  $("camera-button").disabled = true;
  try {
    if (opening) await camera.open();
    else camera.close();
    $("camera").hidden = !opening;
    $("camera-button").setAttribute("aria-pressed", String(opening));
  } catch (error) {
    const refused = error.name === "NotAllowedError";
    answer.problem(refused ? "没有使用摄像头的许可" : "打不开摄像头", refused ? "The camera is not allowed" : "The camera cannot be opened", String(error),
      "请在浏览器的设置里允许，或用扫码枪", "Allow it in the browser's settings, or use a scanner");
    finish();
  } finally {
    $("camera-button").disabled = false;
  }
}
$("camera-button").addEventListener("click", switchCamera);

$("ask-button").addEventListener("click", () => asking.open());

$("sound-button").addEventListener("click", () => {
  state.sound = !state.sound;
  localStorage.setItem("sound", state.sound ? "on" : "off");
  showSound();
  if (state.sound) play("green");
});
const showSound = () => $("sound-button").setAttribute("aria-pressed", String(state.sound));

// --- data

function showState(about) {
  both($("network"), navigator.onLine ? "有网络" : "无网络", navigator.onLine ? "online" : "no network");
  if (about.ready) {
    const [zh, en] = age(about.as_of);
    both($("data"), `数据 ${zh}`, `data ${en}`);
    both($("root"), about.built_in ? "信任根：内置" : "信任根：首次访问时固定", about.built_in ? "root: built in" : "root: pinned at the first visit");
    both($("ready"), "请扫码", "Ready to scan");
    $("ready").classList.add("large");
  } else {
    both($("data"), "没有数据", "no data");
    both($("ready"), about.problem ? "现在不能核验" : "正在准备…", about.problem ? "Cannot verify now" : "Getting ready…");
  }
  both($("offline"), ...offlineWords[state.offline]);
  // Without a network an update fails, and that alone is no alarm while the data are there.
  const alarming = about.problem && (navigator.onLine || !about.ready);
  const skewed = Math.abs(about.behind) > clockTolerance;
  $("alarm").hidden = !alarming && !skewed && about.stored;
  if (skewed) both($("alarm"), `本机时钟${about.behind > 0 ? "慢" : "快"} ${Math.abs(about.behind)} 秒，请校准后再用。`, `This device's clock is ${Math.abs(about.behind)} s ${about.behind > 0 ? "behind" : "ahead"}: set it before you go on.`);
  else if (alarming) both($("alarm"), about.ready ? "新数据被拒绝，仍用上一份：" : "没有可用的数据：", about.problem);
  else if (!about.stored) both($("alarm"), "浏览器不保存数据，断网后不能用", "The browser keeps nothing: this page will not work without a network");
  showAbout(about);
}

function showAbout(about) {
  $("about-facts").replaceChildren(...facts(about.ready ? [
    ["发布方", "Domain", about.domain], ["信任根", "Root SM3", about.root_sm3], ["信任名单版本", "Trust list", about.trust_version],
    ["数据时间", "Data as of", localTime(about.as_of)], ["可用至", "Usable until", localTime(about.expires)],
    ["上次更新", "Last update", about.updated ? localTime(about.updated) : "—"],
  ] : []));
  $("about-root").hidden = !about.ready || about.built_in;
  both($("about-root"), "信任根是本机首次访问时从本服务器取得并固定的。请与发证机关公布的数字核对一次。",
    "The root was taken from this server at the first visit and has been pinned since. Compare it once with the number that the authority has made public.");
}

async function update() {
  $("update-button").disabled = true;
  try {
    showState(await verifier.ask("refresh"));
  } catch (error) {
    // The program itself cannot run here.
    $("alarm").hidden = false;
    both($("alarm"), "这个浏览器不能在本机核验，请用“文件核验”页。", String(error));
    both($("ready"), "现在不能核验", "Cannot verify now");
  } finally {
    $("update-button").disabled = false;
  }
}

$("update-button").addEventListener("click", update);
for (const name of ["online", "offline"]) window.addEventListener(name, update);
document.addEventListener("visibilitychange", () => { if (!document.hidden) update(); });
setInterval(update, updateEvery);

let sure = 0;
$("forget-button").addEventListener("click", async () => {
  // The memory of versions is what keeps older files out: two presses.
  if (Date.now() - sure > 5000) {
    sure = Date.now();
    both($("forget-button"), "再按一次确认清除", "Press again to forget everything");
    return;
  }
  await verifier.ask("forget");
  location.reload();
});

showSound();
verifier.ask("counter").catch(() => {});
verifier.ask("about").then(showState, () => {}).then(update);
workOffline(() => !state.busy && answer.section.hidden).then(async (works) => {
  state.offline = works;
  showState(await verifier.ask("about"));
});
