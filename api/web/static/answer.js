// Shows an answer, ours or the server's: both have the same form.

import { both, facts } from "./words.js";

const labels = {
  holder: ["持证人", "Holder"], id_masked: ["证件号码", "ID number"], category_name: ["证照", "Licence"], number: ["编号", "Number"],
  issuer: ["发证机关", "Issuer"], valid_from: ["起始", "From"], valid_until: ["截止", "Until"], status_as_of: ["数据时间", "Data as of"],
};
const signatureKinds = { seal: ["印章", "Seal"], person: ["签名", "Signature"] };

// All times are shown as the hall's clock shows them, and written like dates: the Swedish
// form is that of ISO 8601.
export function localTime(text) {
  return new Date(text).toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" });
}

// How long ago a time was, in words. Both languages.
export function age(text) {
  const minutes = Math.max(0, Math.floor((Date.now() - new Date(text)) / 60000));
  if (minutes < 1) return ["刚刚", "just now"];
  if (minutes < 60) return [`${minutes} 分钟前`, `${minutes} min ago`];
  if (minutes < 48 * 60) return [`${Math.floor(minutes / 60)} 小时前`, `${Math.floor(minutes / 60)} h ago`];
  return [`${Math.floor(minutes / 1440)} 天前`, `${Math.floor(minutes / 1440)} days ago`];
}

// Answer fills the section that the template "answer" makes.
export class Answer {
  constructor(section) {
    this.section = section;
    this.facts = section.querySelector("dl");
  }

  part(name) { return this.section.querySelector(`[data-part=${name}]`); }

  set(name, text) { this.part(name).textContent = text ?? ""; }

  addFact(zh, en, value, className = "") {
    this.facts.append(...facts([[zh, en, value ?? ""]]));
    this.facts.lastElementChild.className = className;
  }

  addFacts(known) {
    for (const [key, label] of Object.entries(labels)) {
      if (key === "status_as_of" && known[key] != null) this.addFact(...label, localTime(known[key]));
      else if (key === "category_name" && known.category != null) this.addFact(...label, `${known.category} ${known[key] ?? ""}`);
      else if (known[key] != null) this.addFact(...label, known[key], key);
      else if (key === "valid_until" && known.valid_from != null) this.addFact(...label, "长期 long-term");
    }
  }

  show(found) {
    const w = found.wording;
    this.section.className = w.colour;
    this.set("symbol", w.symbol);
    this.set("zh", w.zh);
    this.set("en", w.en);
    this.set("next-zh", w.next_zh);
    this.set("next-en", w.next_en);
    this.set("cause-zh", found.cause_zh);
    this.set("cause-en", found.cause);
    this.facts.replaceChildren();
    if (found.code) this.addCode(found.code, found.field_labels);
    if (found.document) this.addDocument(found.document);
    if (found.evidence) this.addEvidence(found.evidence);
    if (found.answer) this.addAnswer(found.answer, found.verdict);
    this.section.hidden = false;
  }

  addCode(code, fieldLabels) {
    this.addFacts(code);
    for (const l of fieldLabels) this.addFact(l.zh, l.en, code.fields[l.code]);
    if (!code.document) return;
    this.addFact("文件编号", "Document", code.document.number);
    this.addFact("原件长度", "Length", `${code.document.length} 字节 bytes`);
    this.addFact("原件摘要", "SM3", code.document.sm3);
    this.addFact("印章", "Seals", code.document.seals.join(", "));
  }

  addDocument(document) {
    if (document.licence) this.addFacts(document.licence);
    if (document.copy) {
      this.addFact("加注件", "Copy for", document.copy.recipient);
      this.addFact("用途", "Purpose", document.copy.purpose);
      this.addFact("有效期至", "Until", document.copy.until);
    }
    for (const s of document.signatures) this.addSignature(s);
  }

  addSignature(s) {
    const kind = signatureKinds[s.kind] ?? ["签名（种类不明）", "Signature of an unknown kind"];
    this.addFact(...kind, `${s.valid ? "✓" : "✗"} ${s.signer || s.field} · ${localTime(s.signed_at)} · 第 ${s.page} 页 page ${s.page}`);
    if (s.valid) return;
    // The step that has failed says more than the verdict on the signature.
    const failed = s.checks.find((c) => c.cause && s.cause === `${c.name}: ${c.cause}`);
    const why = document.createElement("div");
    why.className = "why";
    this.facts.lastElementChild.append(both(why, failed?.cause_zh || s.cause_zh, s.cause));
  }

  addEvidence(evidence) {
    if (evidence.licence) this.addFacts(evidence.licence);
    if (evidence.stamped_at) this.addFact("时间戳", "Stamped", `${localTime(evidence.stamped_at)} · ${evidence.stamped_by}`);
    if (evidence.as_of) this.addFact("状态截至", "Status as of", localTime(evidence.as_of));
    for (const e of evidence.log) this.addFact("日志", "Log", `${e.id} · ${localTime(e.time)} · ${e.act}`);
  }

  // A well-signed no must not look like a yes.
  addAnswer(answer, verdict) {
    if (verdict === "valid") {
      const words = { yes: ["是", "Yes"], no: ["否", "No"], cannot_say: ["无法判断", "Cannot say"] }[answer.answer];
      if (answer.answer !== "yes") {
        this.section.className = "amber";
        this.set("symbol", "?");
      }
      this.set("zh", `答复：${words[0]}`);
      this.set("en", `The answer is: ${words[1]}`);
    }
    this.addFact("问题", "Question", answer.question);
    this.addFact("日期", "Day", answer.day);
    this.addFact("截至", "As of", localTime(answer.as_of));
    this.addFact("答复方", "Service", answer.service);
  }

  // A problem is amber and accuses nobody. Its detail is the service's, which says it in
  // Chinese first, or the browser's.
  problem(zh, en, detail = "", nextZH = "请检查后重试", nextEN = "Check it and try again") {
    const cause = /^\p{Script=Han}/u.test(detail) ? { cause_zh: detail } : { cause: detail };
    this.show({ wording: { colour: "amber", symbol: "↻", zh, en, next_zh: nextZH, next_en: nextEN }, ...cause });
  }

  clear() {
    this.section.hidden = true;
    this.section.className = "";
    this.facts.replaceChildren();
    for (const name of ["symbol", "zh", "en", "meaning-zh", "meaning-en", "next-zh", "next-en", "cause-zh", "cause-en"]) this.set(name, "");
  }
}
