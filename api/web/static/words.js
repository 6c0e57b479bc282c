// Words for people: Chinese first, English beside it in the style of its own.

// Puts words in both languages into an element, in place of what it has.
export function both(element, zh, en) {
  const english = document.createElement("span");
  english.lang = "en";
  english.textContent = en;
  element.replaceChildren(zh + " ", english);
  return element;
}

// Rows of a list of facts: of each the words in both languages, and what is known. What is
// not known is left out.
export function facts(rows) {
  return rows.filter(([, , value]) => value != null).flatMap(([zh, en, value]) => {
    const dt = both(document.createElement("dt"), zh, en), dd = document.createElement("dd");
    dd.append(value);
    return [dt, dd];
  });
}
