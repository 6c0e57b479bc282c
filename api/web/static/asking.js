// The counter's question: a code that a phone reads and answers, so that a recorded or
// relayed presentation is worth nothing. While it waits the counter takes its answer and
// nothing else.

import { clearSymbol, drawSymbol } from "./symbol.js";
import { both } from "./words.js";

const waitFor = 120000; // ms, after which the verifier takes no answer
const longestName = 30; // bytes of UTF-8, docs/code-format.md: every one is one less for the licence

export class Asking {
  constructor(verifier, section) {
    this.verifier = verifier;
    this.section = section;
    this.until = 0;
    this.form = section.querySelector("form");
    this.name = section.querySelector("input");
    this.canvas = section.querySelector("canvas");
    this.says = section.querySelector("[role=status]");
    this.name.value = localStorage.getItem("hall") ?? "";
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.show();
    });
    section.querySelector("[data-part=stop]").addEventListener("click", () => this.stop());
    setInterval(() => this.tick(), 500);
  }

  get waits() { return this.until > 0; }

  open() {
    this.section.hidden = false;
    if (this.name.value) this.show();
    else this.name.focus();
  }

  async show() {
    const hall = this.name.value.trim().normalize("NFC");
    const length = new TextEncoder().encode(hall).length;
    if (length === 0 || length > longestName) {
      both(this.says, "请填写本窗口的名称，最多 10 个汉字或 30 个字母", "Give this counter's name: at most 10 Chinese characters or 30 letters");
      this.name.focus();
      return;
    }
    try {
      const digits = await this.verifier.ask("ask", hall);
      localStorage.setItem("hall", hall);
      await drawSymbol(this.canvas, digits);
      this.until = Date.now() + waitFor;
      this.tick();
    } catch (error) {
      both(this.says, "不能以此名称出示问码", `The question cannot be shown under this name: ${error.message}`);
      this.name.focus();
    }
  }

  tick() {
    if (!this.waits) return;
    const left = Math.ceil((this.until - Date.now()) / 1000);
    if (left <= 0) this.stop();
    else both(this.says, `等待手机应答，还有 ${left} 秒`, `Waiting for the phone's answer, ${left} s left`);
  }

  stop() {
    this.until = 0;
    this.section.hidden = true;
    this.says.textContent = "";
    clearSymbol(this.canvas);
    this.verifier.ask("stopAsking");
  }
}
