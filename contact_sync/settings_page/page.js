// Talks with the page that frames this one, and posts the form when that page says so. It stands in the head, where no
// field can shadow what it reads from the document.
(() => {
  "use strict";

  const PATIENCE = 120_000;
  const NOT_SAVED = "The settings could not be saved. Try again in a moment.";

  const given = document.querySelector('meta[name="contact-sync"]');
  const parents = given.dataset.parents.split(" ");
  const token = given.dataset.token; // there is none on a page that only says why there are no settings
  given.remove();

  const framed = window.parent !== window;
  let form;
  let notice;
  let busy = false;
  let undo = []; // takes away the errors that are shown

  const controls = () =>
    [...document.querySelectorAll("#contact-sync-form :is(input, select, textarea)")].filter(
      (control) => control.name !== "" && control.name !== "token",
    );

  // ---- the parent

  function tell(message) {
    if (!framed) return;
    const actual = location.ancestorOrigins?.[0]; // not every browser says
    for (const origin of parents) {
      if (actual === undefined || actual === origin) window.parent.postMessage(message, origin);
    }
  }

  const tellHeight = () => tell({ iframe_loaded: { height: Math.ceil(form.getBoundingClientRect().height) } });

  function listen(event) {
    if (!framed || event.source !== window.parent || !parents.includes(event.origin)) return;
    if (event.data?.post_form === true) save();
  }

  // ---- saving

  async function save() {
    if (busy) return; // its answer tells of both
    let success = false;
    if (token !== undefined) {
      busy = true;
      clear();
      const answer = invalid() ?? (await post().catch(() => ({ error: NOT_SAVED })));
      success = answer?.success === true;
      if (!success) show(answer ?? {});
      busy = false;
      tellHeight();
    }
    tell({ iframe_saved: { success } });
  }

  // What the fields themselves forbid (required, pattern, min, …), in the browser's words.
  function invalid() {
    const wrong = controls().filter((control) => control.willValidate && !control.validity.valid);
    if (wrong.length === 0) return null;
    return { errorFields: Object.fromEntries(wrong.map((control) => [control.name, control.validationMessage])) };
  }

  async function post() {
    const address = new URL(location.href);
    address.searchParams.delete("token"); // it goes in the body, so that no log of addresses has it
    address.hash = "";
    const headers = { Accept: "application/json" };
    const lists = listNames();
    const data = new FormData(form);
    data.set("token", token);
    let body = data;
    if (controls().some((control) => control.type === "file")) {
      headers["X-Settings-Lists"] = [...lists].map(encodeURIComponent).join(",");
    } else {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(plain(data, lists));
    }
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(address, { method: "POST", headers, body, signal, redirect: "error" });
    return response.json();
  }

  // Fields that can have several values are lists, whether none, one or more are chosen.
  function listNames() {
    const lists = new Set();
    const seen = new Set();
    for (const control of controls()) {
      if (["radio", "hidden", "submit", "image", "button", "reset"].includes(control.type)) continue;
      if (seen.has(control.name) || (control.multiple && control.type !== "email")) lists.add(control.name);
      seen.add(control.name);
    }
    return lists;
  }

  function plain(data, lists) {
    const fields = new Map([...lists].map((name) => [name, []]));
    for (const [name, value] of data) {
      if (lists.has(name)) fields.get(name).push(value);
      else fields.set(name, value);
    }
    return Object.fromEntries(fields);
  }

  // ---- errors: always as text, never as HTML

  function show(answer) {
    const fieldErrors = Object.entries(answer.errorFields ?? {});
    const general = fieldErrors.filter(([name, message]) => !showBeside(name, message)).map((pair) => pair.join(": "));
    if (answer.error) general.unshift(String(answer.error));
    if (general.length === 0 && fieldErrors.length === 0) general.push(NOT_SAVED);
    if (general.length === 0) return;
    notice.textContent = general.join("\n");
    notice.hidden = false;
    notice.classList.add("is-danger");
    undo.push(() => {
      notice.hidden = true;
    });
  }

  // False if no input of that name can be seen.
  function showBeside(name, message) {
    const named = controls().filter((control) => control.name === name && control.getClientRects().length > 0);
    if (named.length === 0) return false;
    for (const control of named) mark(control);
    const help = document.createElement("p");
    help.className = "help is-danger";
    help.textContent = message;
    placeAfter(named.at(-1)).after(help);
    undo.push(() => help.remove());
    return true;
  }

  function mark(control) {
    const element = (control.matches("select") && control.closest(".select")) ||
      (control.type === "file" && control.closest(".file")) || control;
    if (!element.classList.contains("is-danger")) {
      element.classList.add("is-danger");
      undo.push(() => element.classList.remove("is-danger"));
    }
    control.setAttribute("aria-invalid", "true");
    undo.push(() => control.removeAttribute("aria-invalid"));
  }

  // Bulma's place for help: after the control; in a row of controls, after the row.
  function placeAfter(control) {
    return (
      control.closest(".field.has-addons, .field.is-grouped") ??
      control.closest(".control") ?? control.closest(".select, .file") ?? control.closest("label") ?? control
    );
  }

  function clear() {
    for (const step of undo) step();
    undo = [];
  }

  // ---- start

  document.addEventListener("DOMContentLoaded", () => {
    form = document.getElementById("contact-sync-form");
    notice = document.getElementById("contact-sync-notice");
    form.addEventListener("submit", (event) => event.preventDefault()); // Enter, or a button among the fields
    window.addEventListener("message", listen);
  });
  window.addEventListener("load", tellHeight);
})();
