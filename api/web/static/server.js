// Asks the server for a verdict. Nothing is sent before a person wants it.

// Thrown for what is no verdict; zh and en are words for people.
export class Problem extends Error {
  constructor(zh, en, detail) {
    super(detail || en);
    this.zh = zh;
    this.en = en;
    this.detail = detail;
  }
}

// The password opens an encrypted document.
export async function askServer(body, type, password) {
  let response, found;
  try {
    const headers = { "Content-Type": type, Accept: "application/json" };
    if (password) headers["Document-Password"] = btoa(String.fromCharCode(...new TextEncoder().encode(password)));
    response = await fetch("/v1/verifications", { method: "POST", headers, body });
    found = await response.json();
  } catch {
    throw new Problem("连接不上服务器", "The server cannot be reached");
  }
  if (response.ok) return found;
  if (response.status === 429) throw new Problem("请求过多", "Too many requests", found.detail);
  throw new Problem("无法核验这个内容", "This cannot be judged", found.detail);
}
