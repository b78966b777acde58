// Both sides' contacts in two tables, kept up to date. Contacts are strangers' text: it only ever becomes textContent.

const POLL_MS = 500;
const SIDES = {
  platform: {
    noun: "Platform contact",
    name: ["firstname", "lastname"],
    columns: { email: "email", day: "birthdate", money: "balance" },
    cells: ["id", "name", "email", "day", "money", "pair"],
  },
  crm: {
    noun: "CRM contact",
    name: ["properties.given_name", "properties.family_name"],
    columns: { email: "properties.email", day: "born_on", money: "balance_cents" },
    cells: ["pair", "id", "name", "email", "day", "money"],
  },
};
const other = (side) => (side === "platform" ? "crm" : "platform");
const $ = (selector, root = document) => root.querySelector(selector);

let version = "";
let state = { platform: {}, crm: {}, pairs: [] };
const partners = { platform: new Map(), crm: new Map() };
const rows = { platform: new Map(), crm: new Map() };

// Asking the demo's server

async function ask(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.error || `the demo answered with ${answer.status}`);
  return data;
}

const fields = await ask("GET", "fields");
$("#sandbox").href = fields.address;

async function look() {
  try {
    const answer = await ask("GET", `state?since=${version}`);
    $("#status").textContent = "";
    showBetween(answer.between);
    if (answer.state) {
      const isFirst = version === "";
      version = answer.version;
      state = answer.state;
      show(isFirst);
    }
  } catch (error) {
    $("#status").textContent = error instanceof TypeError ? "The demo has ended; this is what was last there." : error.message;
  }
}

// What is between the sides: the events that wait for the CRM, and whether it is there

function showBetween({ waiting, failed, down }) {
  const text = [waiting && `${waiting} waiting`, failed && `${failed} failed`].filter(Boolean).join(", ");
  if ($("#waiting").textContent !== text) $("#waiting").textContent = text;
  $("#crm").classList.toggle("down", down);
  $("#outage").textContent = down ? "down" : "up";
  $("#outage").setAttribute("aria-checked", String(!down));
  $("#outage").title = down ? "Let the CRM come back" : "Take the CRM down: its API then refuses everybody";
}

async function turn() {
  const isDown = $("#outage").getAttribute("aria-checked") === "false";
  try {
    await ask(isDown ? "DELETE" : "PUT", "outage");
  } catch {
    // What is wrong stands in the status line: the next look fails as well.
  }
  await look();
}

// The tables

function show(isFirst) {
  for (const side of Object.keys(SIDES)) partners[side].clear();
  for (const [here, there] of state.pairs) {
    partners.platform.set(here, there);
    partners.crm.set(there, here);
  }
  for (const side of Object.keys(SIDES)) showSide(side, isFirst);
  filter();
}

function showSide(side, isFirst) {
  const body = $(`#${side} tbody`);
  const ids = Object.keys(state[side]).sort((one, two) => two - one); // the newest first
  for (const [id, row] of rows[side]) {
    if (!(id in state[side])) {
      row.remove();
      rows[side].delete(id);
    }
  }
  let next = body.firstElementChild;
  for (const id of ids) {
    let row = rows[side].get(id);
    if (!row) {
      row = newRow(side, id);
      rows[side].set(id, row);
      body.insertBefore(row, next);
    } else {
      next = row.nextElementSibling;
    }
    fill(side, id, row, isFirst);
  }
  const alone = ids.filter((id) => !partners[side].has(id)).length;
  $(`#${side} .count`).textContent = `${ids.length} contacts` + (alone ? `, ${alone} unpaired` : "");
}

function newRow(side, id) {
  const row = document.createElement("tr");
  row.dataset.id = id;
  for (const kind of SIDES[side].cells) {
    const cell = row.insertCell();
    cell.className = kind;
    cell.dir = "auto";
    if (kind === "name") {
      const name = button("name", () => edit(side, id));
      name.dir = "auto";
      cell.append(name);
    }
  }
  row.addEventListener("click", (event) => {
    // Its buttons have their own meaning, and who has marked text wants to copy it.
    if (!event.target.closest("button") && getSelection().isCollapsed) edit(side, id);
  });
  row.addEventListener("mouseenter", () => mark(side, id, true));
  row.addEventListener("mouseleave", () => mark(side, id, false));
  return row;
}

function fill(side, id, row, isFirst) {
  const contact = state[side][id];
  const { name, columns } = SIDES[side];
  const said = name.map((field) => contact[field]).filter((part) => !isEmpty(part)).join(" ");
  const label = $(".name button", row);
  label.classList.toggle("nameless", said.trim() === "");
  put(label, said.trim() === "" ? "no name" : said, isFirst);
  put($(".id", row), id, isFirst);
  for (const [kind, field] of Object.entries(columns)) put($(`td.${kind}`, row), asText(contact[field]), isFirst);
  $("td.money", row).classList.toggle("minus", contact[columns.money] < 0);
  showPartner(side, id, $(".pair", row), isFirst);
  // Fields without a column make the name flash.
  const whole = JSON.stringify(contact);
  if (row.dataset.whole !== undefined && row.dataset.whole !== whole && !$(".changed", row)) flash(label.closest("td"));
  row.dataset.whole = whole;
}

function showPartner(side, id, cell, isFirst) {
  const partner = partners[side].get(id);
  if (cell.dataset.partner === String(partner)) return;
  cell.dataset.partner = String(partner);
  if (partner === undefined) {
    const alone = document.createElement("span");
    alone.className = "alone";
    alone.textContent = "–";
    alone.title = "This contact is not paired.";
    cell.replaceChildren(alone);
  } else {
    const link = button("link", () => find(other(side), partner));
    link.textContent = partner;
    link.title = `Show ${SIDES[other(side)].noun} ${partner}`;
    cell.replaceChildren(link);
  }
  if (!isFirst) flash(cell);
}

function put(element, text, isFirst) {
  if (element.textContent === text) return;
  element.textContent = text;
  element.title = text;
  if (!isFirst) flash(element.closest("td"));
}

function flash(element, name = "changed") {
  element.classList.remove(name);
  void element.offsetWidth; // begins the animation anew
  element.classList.add(name);
  element.addEventListener("animationend", () => element.classList.remove(name), { once: true });
}

function mark(side, id, on) {
  rows[other(side)].get(partners[side].get(id))?.classList.toggle("partner", on);
}

function find(side, id) {
  const row = rows[side].get(id);
  if (!row) return;
  row.hidden = false;
  row.scrollIntoView({ block: "center" });
  flash(row, "found");
}

function filter() {
  const wanted = $("#search").value.trim().toLowerCase();
  for (const side of Object.keys(SIDES)) {
    for (const [id, row] of rows[side]) {
      const partner = rows[other(side)].get(partners[side].get(id));
      const text = `${id} ${row.dataset.whole} ${partner ? `${partner.dataset.id} ${partner.dataset.whole}` : ""}`;
      row.hidden = wanted !== "" && !text.toLowerCase().includes(wanted);
    }
  }
}

// The editor

const editor = $("#editor");
let editing = null;

function edit(side, id) {
  const contact = id === null ? {} : state[side][id];
  editing = { side, id, inputs: fields[side].map((field) => input(field, contact[field.name])) };
  const partner = id === null ? undefined : partners[side].get(id);
  editor.className = side;
  $("h2", editor).textContent =
    id === null ? `New ${SIDES[side].noun}` : `${SIDES[side].noun} ${id}` + (partner ? ` ↔ ${partner}` : "");
  $(".fields", editor).replaceChildren(...editing.inputs.map((one) => one.field));
  say("");
  $(".delete", editor).hidden = id === null;
  unsure();
  editor.showModal();
}

function input({ name, kind }, value) {
  const before = kind === "json" ? (isEmpty(value) ? "" : JSON.stringify(value)) : asText(value);
  const isLong = kind === "long" || kind === "json" || /[\n\r]/.test(before);
  const element = document.createElement(kind === "boolean" ? "select" : isLong ? "textarea" : "input");
  if (kind === "boolean") {
    for (const choice of ["", "true", "false"]) {
      const option = document.createElement("option");
      option.value = choice;
      option.textContent = { true: "yes", false: "no" }[choice] ?? "";
      element.append(option);
    }
  }
  element.name = name;
  element.dir = "auto";
  element.value = before;
  const label = document.createElement("label");
  label.textContent = name;
  label.append(element);
  const misfit = document.createElement("small");
  misfit.id = `misfit-${name}`;
  const field = document.createElement("div");
  field.append(label, misfit);
  field.classList.toggle("wide", isLong);
  element.addEventListener("input", () => say(""));
  // A textarea writes line ends its own way: what counts as untouched is what it shows.
  return { name, kind, element, field, misfit, shown: element.value };
}

function written({ name, kind, element }) {
  const text = element.value;
  if (text === "") return null;
  if (kind === "boolean") return text === "true";
  if (kind === "number") {
    const number = Number(text);
    if (text.trim() === "" || !Number.isFinite(number)) throw new Error(`${name}: a number is expected`);
    return number;
  }
  if (kind === "json") {
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`${name}: JSON is expected, such as ["vip"]`);
    }
  }
  return text;
}

async function save(event) {
  event.preventDefault();
  const { side, id, inputs } = editing;
  await act(async () => {
    const changed = inputs.filter((one) => one.element.value !== one.shown);
    const body = Object.fromEntries(changed.map((one) => [one.name, written(one)]));
    if (id === null) await ask("POST", side, body);
    else if (changed.length) await ask("PATCH", `${side}/${id}`, body);
  });
}

async function remove() {
  const button = $(".delete", editor);
  if (!button.classList.contains("sure")) {
    button.classList.add("sure");
    button.textContent = "Really delete?";
    return;
  }
  await act(() => ask("DELETE", `${editing.side}/${editing.id}`));
}

async function act(work) {
  try {
    await work();
    editor.close();
    await look();
  } catch (error) {
    unsure();
    say(error.message);
  }
}

// What is wrong stands below the form, and beside the field whose name it begins with.
function say(problem) {
  $(".problem", editor).textContent = problem;
  for (const { name, element, misfit } of editing.inputs) {
    const isIts = problem.startsWith(`${name}: `);
    misfit.textContent = isIts ? problem.slice(name.length + 2) : "";
    if (isIts) {
      element.setAttribute("aria-invalid", "true");
      element.setAttribute("aria-describedby", misfit.id);
      element.focus();
    } else {
      element.removeAttribute("aria-invalid");
      element.removeAttribute("aria-describedby");
    }
  }
}

function unsure() {
  $(".delete", editor).classList.remove("sure");
  $(".delete", editor).textContent = "Delete";
}

$("form", editor).addEventListener("submit", save);
$(".delete", editor).addEventListener("click", remove);
$(".cancel", editor).addEventListener("click", () => editor.close());
for (const side of Object.keys(SIDES)) $(`#${side} .new`).addEventListener("click", () => edit(side, null));
$("#search").addEventListener("input", filter);
$("#outage").addEventListener("click", turn);

// Small things

function button(name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.addEventListener("click", act);
  return made;
}

function isEmpty(value) {
  return value === undefined || value === null || value === "";
}

function asText(value) {
  if (isEmpty(value)) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

for (;;) {
  await look();
  await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
