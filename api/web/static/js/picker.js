/**
 * Text fields with a list of what was found: the editable combobox with list autocomplete of the
 * ARIA Authoring Practices. The server searches; it answers with <li role="option" data-code>.
 *
 *   <div class="picker" data-picker="/pages/pick/enterprises"> see macros/field.html
 *   <button data-pick="enterprise" data-code="..." data-words="..."> fills that picker
 */

const PAUSE_MS = 120;

/** One picker: its field, its list, and what was chosen. */
class Picker {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.source = root.dataset.picker;
    this.field = root.querySelector("[role=combobox]");
    this.code = root.querySelector("input[type=hidden]");
    this.list = root.querySelector("[role=listbox]");
    this.status = root.querySelector("[role=status]");
    this.timer = 0;
    this.asked = null;
    this.field.addEventListener("input", () => this.type());
    this.field.addEventListener("keydown", (event) => this.press(event));
    this.field.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // keeps the focus in the field
      this.choose(event.target.closest("[role=option]"));
    });
  }

  get options() { return [...this.list.querySelectorAll("[role=option]")]; }

  get active() { return this.list.querySelector("[aria-selected=true]"); }

  type() {
    this.code.value = "";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), PAUSE_MS);
  }

  /** Ask the server for what the words in the field find, and show it. */
  async search() {
    this.asked?.abort();
    this.asked = new AbortController();
    const query = new URLSearchParams({ q: this.field.value });
    try {
      const answer = await fetch(`${this.source}?${query}`, { signal: this.asked.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      this.show(await answer.text());
    } catch (error) {
      if (error.name !== "AbortError") this.close();
    }
  }

  /** @param {string} html options, escaped by the server */
  show(html) {
    this.list.innerHTML = html;
    this.options.forEach((option, index) => { option.id = `${this.list.id}-${index}`; });
    this.status.textContent = this.list.firstElementChild?.dataset.status ?? "";
    const isOpen = document.activeElement === this.field && this.list.childElementCount > 0;
    this.list.hidden = !isOpen;
    this.field.setAttribute("aria-expanded", String(isOpen));
    this.mark(null);
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.mark(null);
  }

  /** @param {HTMLElement|null} option */
  mark(option) {
    this.active?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  /** @param {number} step */
  move(step) {
    if (this.list.hidden) {
      this.search();
      return;
    }
    const options = this.options;
    const at = options.indexOf(this.active) + step;
    this.mark(options.at(at < 0 ? -1 : at % options.length) ?? null);
  }

  /** @param {HTMLElement|null} option */
  choose(option) {
    if (!option?.dataset.code) return;
    this.set(option.dataset.code, option.dataset.words);
    this.close();
  }

  /**
   * @param {string} code
   * @param {string} words
   */
  set(code, words) {
    this.code.value = code;
    this.field.value = words;
    this.code.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const isOpen = !this.list.hidden;
    if (event.key === "ArrowDown") this.move(1);
    else if (event.key === "ArrowUp") this.move(isOpen && !this.active ? 0 : -1);
    else if (event.key === "Enter" && isOpen && this.active) this.choose(this.active);
    else if (event.key === "Escape" && isOpen) this.close();
    else if (event.key === "Tab" && isOpen && this.active) {
      this.choose(this.active);
      return;
    } else return;
    event.preventDefault();
  }
}

/**
 * Make every picker of a page work, and those that htmx brings later.
 * @param {Document} page
 */
export function installPickers(page) {
  const known = new WeakMap();
  const install = (root) => {
    for (const one of root.querySelectorAll("[data-picker]")) {
      if (!known.has(one)) known.set(one, new Picker(one));
    }
  };
  install(page);
  page.addEventListener("htmx:load", (event) => install(event.detail.elt));
  page.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick]");
    if (!button) return;
    const picker = known.get(page.getElementById(button.dataset.pick)?.closest("[data-picker]"));
    picker?.set(button.dataset.code, button.dataset.words);
    picker?.field.focus();
  });
}
