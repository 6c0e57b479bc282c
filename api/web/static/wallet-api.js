// The wallet's requests, docs/wallet-api.md: each is signed by the device's key.

import { fromBase64, pointOf, sign, toBase64 } from "./devicekey.js";

// What the service refuses, in words for people; by the type of the problem.
const refusals = {
  "/docs#binding-code": ["绑定码不对、已用过或已过期，请到窗口再取一个", "The number is wrong, used or too old: ask for a new one at the counter"],
  "/docs#device": ["服务不认识这台设备", "The service does not know this device"],
  "/docs#clock": ["本机时间不准，请设为自动", "This device's clock is wrong: set it to automatic"],
  "/docs#used": ["请稍等一秒再试", "Wait a second and try again"],
  "/docs#state": ["证照已暂扣、注销或到期", "The licence is suspended, revoked or over"],
  "/docs#unbound": ["这台设备已解除绑定", "This device was unbound"],
  "/docs#devices": ["这张证照已绑定五台设备", "Five devices are bound to this licence already"],
};

export class Refused extends Error {
  constructor(zh, en, type) {
    super(en);
    this.zh = zh;
    this.en = en;
    this.type = type;
  }
}

async function post(path, body) {
  let response;
  try {
    response = await fetch("/v1/wallet/" + path, {
      method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(20000),
    });
  } catch {
    throw new Refused("连接不上服务器", "The server cannot be reached", "network");
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const type = new URL(answer.type || "about:blank", location.href);
  const known = refusals[type.pathname + type.hash];
  if (known) throw new Refused(...known, type.hash);
  if (response.status === 429) throw new Refused("请求过多，请稍后再试", "Too many requests: try again later");
  throw new Refused("服务没有接受", answer.detail || "The service has refused", "");
}

async function proof(worker, key, lines) {
  const signature = await sign(key, new TextEncoder().encode(lines.join("\n")));
  return toBase64(await worker.ask("normal", { point: await pointOf(key), signature }));
}

const host = location.hostname;
const profiles = ["full", "masked", "minimal"];

// What the page keeps of an answer. The server's clock is kept as the difference to ours.
function kept(answer, key) {
  return {
    key, licence: answer.licence, device: answer.device, summary: answer.summary, choices: answer.choices, renewAt: answer.renew_at,
    credentials: answer.credentials.map((c) => ({ profile: c.profile, credential: fromBase64(c.credential), expires: c.expires })),
    ahead: Date.parse(answer.server_time) - Date.now(),
  };
}

export async function bind(worker, key, code) {
  const deviceKey = toBase64(await pointOf(key));
  const signed = await proof(worker, key, ["elicence/bind/1", host, code, "p256", deviceKey, profiles.join(",")]);
  return kept(await post("bindings", { code, algorithm: "p256", device_key: deviceKey, profiles, proof: signed }), key);
}

// By how many ms the server's clock is ahead of ours, by its answer to anything.
export async function clockAhead() {
  let told;
  try {
    const response = await fetch("/trust/time", { cache: "no-store", signal: AbortSignal.timeout(10000) });
    told = Date.parse(response.headers.get("Date"));
  } catch {
    throw new Refused("连接不上服务器", "The server cannot be reached", "network");
  }
  return told ? told - Date.now() : 0;
}

// By the server's clock, as far as we know it.
const secondsOf = (held) => Math.floor((Date.now() + held.ahead) / 1000);

async function signedBody(worker, held, name, more = {}, line = []) {
  const time = secondsOf(held);
  const signed = await proof(worker, held.key, [`elicence/${name}/1`, host, held.licence, held.device, String(time), ...line]);
  return { licence: held.licence, device: held.device, time, ...more, proof: signed };
}

export async function renew(worker, held) {
  return kept(await post("renewals", await signedBody(worker, held, "renew")), held.key);
}

export async function choose(worker, held, fields) {
  return post("presentations", await signedBody(worker, held, "choose", { fields }, [fields.join(",")]));
}

export async function unbind(worker, held) {
  await post("unbindings", await signedBody(worker, held, "unbind"));
}
