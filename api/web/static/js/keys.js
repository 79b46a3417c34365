/**
 * Work by keyboard. What a key does is told by the page, not here:
 *
 *   data-items            a list; its children with data-item are gone through with j and k
 *   data-key="a"          this link or button is pressed, or this field entered, by the key a;
 *                         within the current item, or outside of any item
 *   dialog#keys           the help, opened by ?; its checkbox data-keys-enabled turns keys off
 *
 * Letters are told by the place of the key, so that they work in Russian and Kazakh layouts.
 */

const STORED = "keys";
const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";

/**
 * Return the name of a pressed key, null for one that means nothing here.
 * @param {KeyboardEvent} event
 * @returns {string|null}
 */
export function keyName(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === "?" || (event.code === "Slash" && event.shiftKey)) return "?";
  if (event.key === "/" || event.code === "Slash") return "/";
  if (event.shiftKey) return null;
  if (event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
  return null;
}

/**
 * Return the item of the list that the focus is in, null if it is in none.
 * @param {Document} page
 * @returns {HTMLElement|null}
 */
function currentItem(page) {
  return page.activeElement?.closest("[data-item]") ?? null;
}

/**
 * Focus the item after or before the current one.
 * @param {Document} page
 * @param {number} step 1 or -1
 * @returns {boolean} whether the page has such a list
 */
function walk(page, step) {
  const items = [...page.querySelectorAll("[data-items] [data-item]")];
  if (!items.length) return false;
  const at = items.indexOf(currentItem(page));
  const next = items[Math.min(Math.max(at + step, 0), items.length - 1)];
  focusItem(next);
  return true;
}

/** @param {HTMLElement|null} item */
function focusItem(item) {
  const link = item?.querySelector("[data-open]");
  link?.focus();
  item?.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} target */
function use(target) {
  if (target.matches(FIELDS)) target.focus();
  else target.click();
}

/**
 * Do what a key means on this page.
 * @param {Document} page
 * @param {string} key
 * @returns {boolean} whether it meant anything
 */
function press(page, key) {
  if (key === "?") {
    page.querySelector("dialog#keys")?.showModal();
    return true;
  }
  if (key === "j" && walk(page, 1)) return true;
  if (key === "k" && walk(page, -1)) return true;
  const selector = `[data-key="${CSS.escape(key)}"]`;
  // Nothing is done to an item that the reader is not at.
  const elsewhere = [...page.querySelectorAll(selector)].find((one) => !one.closest("[data-item]"));
  const target = currentItem(page)?.querySelector(selector) ?? elsewhere;
  if (target) use(target);
  return Boolean(target);
}

/**
 * Keep the focus in a list when the item that had it goes away.
 * @param {Document} page
 */
function keepPlace(page) {
  let next = null;
  page.addEventListener("htmx:beforeSwap", (event) => {
    const item = event.detail.target.closest?.("[data-item]");
    const items = [...page.querySelectorAll("[data-item]")];
    const at = items.indexOf(item);
    const isLeft = at >= 0 && item.contains(page.activeElement);
    next = isLeft ? items[at + 1] ?? items[at - 1] ?? null : null;
  });
  page.addEventListener("htmx:afterSettle", () => {
    if (next && !currentItem(page)) focusItem(next);
    next = null;
  });
}

/**
 * Listen to keys, unless the reader turned them off in the help.
 * @param {Document} page
 */
export function installKeys(page) {
  const box = page.querySelector("[data-keys-enabled]");
  if (!box) return;
  box.checked = localStorage.getItem(STORED) !== "off";
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));
  page.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches(FIELDS)) event.target.blur();
    if (event.defaultPrevented || event.target.closest(`${FIELDS}, dialog[open]`)) return;
    // A key held down must not accept one appeal after the other.
    const key = (box.checked || event.key === "?") && !event.repeat ? keyName(event) : null;
    if (key && press(page, key)) event.preventDefault();
  });
  page.querySelector("[data-keys-help]")?.addEventListener("click", () => press(page, "?"));
  keepPlace(page);
}
