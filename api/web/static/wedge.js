// A scanner in keyboard mode. Keys are taken from the page itself, where no input
// method is active: what a scanner types can become no Chinese characters, and the
// Enter at its end presses no button.

const pauseAfter = 300; // ms without a key after which a whole code is taken that has no Enter at its end
const giveUpAfter = 2000; // ms without a key after which what is no whole code is taken for a misread
const lateEnter = 1500; // ms for which the Enter of a scan that was taken without it may still come
const shortest = 16; // characters; fewer are somebody's stray keys

// Some input methods hide the key but tell its place.
function character(event) {
  if (event.key.length === 1) return event.key;
  const digit = event.key === "Process" && /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  return digit ? digit[1] : "";
}

function typesElsewhere(target) {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]");
}

// Calls scanned with the text of every scan; isWhole promises whether a text is a code
// of ours from end to end.
export function listenForScans(scanned, isWhole) {
  let typed = "", timer = 0, taken = -Infinity, swallow = false;
  const finish = () => {
    const text = typed;
    typed = "";
    clearTimeout(timer);
    if (text.length < shortest) return;
    taken = performance.now();
    scanned(text);
  };
  const pause = async () => {
    const before = typed;
    timer = setTimeout(finish, giveUpAfter - pauseAfter);
    // A computer that is busy may pause in the middle of a code.
    if (before.length >= shortest && (await isWhole(before).catch(() => false)) && typed === before) finish();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || typesElsewhere(event.target)) return;
    swallow = false;
    const ends = event.key === "Enter" || event.key === "Tab" || event.code === "Enter";
    if (ends && (typed.length >= shortest || performance.now() - taken < lateEnter)) {
      event.preventDefault();
      swallow = true;
      finish();
      taken = -Infinity;
      return;
    }
    const c = character(event);
    if (!c || (c === " " && !typed)) return; // a space alone presses a button
    if (typed) event.preventDefault();
    typed += c;
    clearTimeout(timer);
    timer = setTimeout(pause, pauseAfter);
  }, { capture: true });
  // Remote desktops send the character apart from its key.
  document.addEventListener("keypress", (event) => { if (swallow) event.preventDefault(); }, { capture: true });
  document.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (text && !typesElsewhere(event.target)) {
      event.preventDefault();
      scanned(text);
    }
  });
}
