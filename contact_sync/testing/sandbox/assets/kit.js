// What the development pages are built of. Contacts are hostile: nothing here ever makes markup of a value.

/** Build an element: attributes (listeners begin with "on"), then children, which are elements or text. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

/** Call a JSON endpoint of this server; an error is thrown with the server's own words. */
export async function call(method, path, body) {
  const options = { method, headers: { Accept: "application/json" } };
  if (method !== "GET") {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body ?? {});
  }
  const response = await fetch(path, options);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
  return answer;
}

/** Hand each new state of an endpoint that answers {version, …} to `show`; say whether it answers at all to `live`. */
export function poll(path, show, live = () => {}, every = 700) {
  let version = 0;
  const once = async () => {
    try {
      const state = await call("GET", `${path}?since=${version}`);
      live(true);
      if (state.version > version) {
        version = state.version;
        show(state);
      }
    } catch {
      live(false);
    }
  };
  const again = () => once().finally(() => setTimeout(again, document.hidden ? every * 5 : every));
  again();
  return once;
}

/** Do something and show what went wrong, if anything did. Whether it went well. */
export async function attempt(action, success) {
  try {
    await action();
    if (success) toast(success);
    return true;
  } catch (error) {
    toast(error.message, "bad");
    return false;
  }
}

/** Show a message for a few seconds. */
export function toast(message, kind = "") {
  const box = document.getElementById("toasts") ?? document.body.appendChild(h("div", { id: "toasts", role: "status" }));
  const note = h("div", { class: `toast ${kind}` }, String(message));
  box.append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 8000 : 3500);
}

/** A value as a cell shows it: empty values are told apart from text. */
export function shown(value) {
  if (value === undefined) return h("span", { class: "none", title: "not set" }, "·");
  if (value === null) return h("span", { class: "none" }, "null");
  if (value === "") return h("span", { class: "none" }, "“”");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const held = new WeakMap();

/**
 * Let an element hold the nodes of these items, building and touching only what differs from the last time: a button
 * that is replaced between a finger's way down and up is never clicked.
 *
 * `describe(item)` gives {key, build}; `build(before)` gives nodes, and gets the item that had the key before.
 * Items are told apart by their JSON, and by what `extra(item)` gives besides.
 */
export function hold(parent, items, describe, extra = () => "") {
  const before = held.get(parent) ?? new Map();
  const now = new Map();
  for (const item of items) {
    const { key, build } = describe(item);
    const sign = `${JSON.stringify(item)} ${extra(item)}`;
    const old = before.get(key);
    now.set(key, old?.sign === sign ? old : { sign, item, nodes: build(old?.item) });
  }
  held.set(parent, now);
  const wanted = [...now.values()].flatMap((entry) => entry.nodes);
  const keep = new Set(wanted);
  for (const child of [...parent.childNodes]) if (!keep.has(child)) child.remove();
  let at = parent.firstChild;
  for (const node of wanted) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
}

/** A table with these heads whose body is filled by `hold`; its body. Made once, and anew when the heads change. */
export function tableIn(place, heads) {
  const sign = JSON.stringify(heads);
  if (place.dataset.heads !== sign) {
    place.dataset.heads = sign;
    const cells = heads.map((head) => h("th", {}, head));
    place.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, ...cells)), h("tbody")));
  }
  return place.querySelector("tbody");
}

/** Say that there is nothing, instead of a table. */
export function nothingIn(place, text) {
  delete place.dataset.heads;
  place.replaceChildren(h("p", { class: "empty" }, text));
}

/** A table of contacts that shows what has changed since the last time. */
export class ContactTable {
  #first = true;

  constructor(place, { id = "id", edit, remove, none = "No contacts yet." }) {
    Object.assign(this, { place, id, edit, remove, none });
  }

  update(contacts, columns) {
    if (contacts.length === 0) {
      nothingIn(this.place, this.none);
    } else {
      const body = tableIn(this.place, [this.id, ...columns, ""]);
      hold(body, contacts, (contact) => ({
        key: contact[this.id],
        build: (before) => [this.#row(contact, columns, before)],
      }));
    }
    this.#first = false;
  }

  #row(contact, columns, before) {
    const cells = columns.map((name) => {
      const same = before === undefined || JSON.stringify(before[name]) === JSON.stringify(contact[name]);
      return h("td", { class: same ? null : "changed" }, shown(contact[name]));
    });
    const buttons = h(
      "td",
      { class: "tight" },
      h("button", { class: "quiet", type: "button", onclick: () => this.edit(contact) }, "Edit"),
      h("button", { class: "quiet danger", type: "button", onclick: () => this.remove(contact) }, "Delete"),
    );
    return h(
      "tr",
      { class: before === undefined && !this.#first ? "arrived" : null },
      h("td", { class: "tight mono" }, shown(contact[this.id])),
      ...cells,
      buttons,
    );
  }
}

/** Ask for the fields of a contact. `save` gets what was changed: null for a field that was emptied. */
export function contactDialog({ title, contact = {}, columns, types = {}, save }) {
  const inputs = new Map();
  const fields = h("div", { class: "inside" });
  const add = (name) => {
    const value = contact[name];
    const text = value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : value;
    const input = h("input", { value: String(text), autocomplete: "off", name: `field ${name}` });
    inputs.set(name, input);
    fields.append(h("label", { class: "field" }, name, input));
    return input;
  };
  columns.forEach(add);
  const fresh = h("input", { placeholder: "another field", autocomplete: "off", "aria-label": "another field" });
  const addFresh = () => {
    const name = fresh.value.trim();
    fresh.value = "";
    if (name && !inputs.has(name)) add(name).focus();
  };
  const changes = () => {
    const found = {};
    for (const [name, input] of inputs) {
      const before = contact[name];
      const was = before === undefined || before === null ? "" : typeof before === "object" ? JSON.stringify(before) : String(before);
      if (input.value !== was) found[name] = typed(input.value, before, types[name]);
    }
    return found;
  };
  const submit = async (event) => {
    event.preventDefault();
    addFresh();
    if (await attempt(() => save(changes()))) dialog.close();
  };
  const dialog = h(
    "dialog",
    { onclose: () => dialog.remove() },
    h(
      "form",
      { onsubmit: submit },
      h("h2", {}, title),
      fields,
      h("div", { class: "row" }, fresh, h("button", { type: "button", onclick: addFresh }, "Add field")),
      h("p", { class: "hint" }, "An emptied field is cleared: it is sent as null."),
      h(
        "div",
        { class: "row ends" },
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button", { class: "main" }, "Save"),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

// Text from an input in the type that the field has, as far as that can be told.
function typed(text, before, type) {
  if (text === "") return null;
  if (typeof before === "boolean" && (text === "true" || text === "false")) return text === "true";
  const numeric = type === "number" || typeof before === "number";
  return numeric && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
