// The sandbox platform's page: shows its state as it changes, and sends what a person does.

import { ContactTable, attempt, call, contactDialog, h, hold, nothingIn, poll, tableIn, toast } from "./kit.js";

const $ = (id) => document.getElementById(id);
let state;
const opened = new Set(); // rows of the logs whose details are shown

const workspace = () => state.workspaces.find((one) => one.name === $("workspace").value) ?? state.workspaces[0];
const here = () => ({ workspace: workspace().name });

const table = new ContactTable($("contacts"), {
  edit: (contact) =>
    contactDialog({
      title: `Contact ${contact.id}`,
      contact,
      columns: columns(),
      types: workspace().properties,
      save: (changes) => act("PATCH", `/sandbox/contacts/${encodeURIComponent(contact.id)}`, { contact: changes }),
    }),
  remove: (contact) => attempt(() => act("DELETE", `/sandbox/contacts/${encodeURIComponent(contact.id)}`), "Deleted"),
  none: "No contacts here. Add one, or let an integration do it.",
});

const refresh = poll("/sandbox/state", show, (alive) => {
  $("live").classList.toggle("down", !alive);
  $("live").textContent = alive ? "live" : "not running";
});

async function act(method, path, body = {}) {
  const answer = await call(method, path, { ...here(), ...body });
  await refresh();
  return answer;
}

const columns = () => Object.keys(workspace().properties);

function show(next = state) {
  state = next;
  options($("workspace"), state.workspaces.map((one) => one.name));
  const now = workspace();
  $("address").textContent = state.url;
  $("export").textContent = `BOTMATIC_BASE_URL=${state.url}`;
  showContacts(now);
  options($("token"), now.tokens);
  const url = now.webhooks[$("token").value];
  $("installed").textContent = url ?? "not installed";
  $("installed").className = `badge push ${url ? "good" : ""}`;
  $("uninstall").disabled = !url;
  if (url && !$("webhook").value) $("webhook").value = url;
  const properties = Object.entries(now.properties);
  $("property-count").textContent = properties.length;
  $("properties").replaceChildren(
    ...properties.map(([name, type]) => h("span", { class: "chip" }, name, h("small", {}, type))),
    properties.length ? "" : h("p", { class: "hint" }, "None declared. An integration declares its own when it is installed."),
  );
  $("faults").replaceChildren(...state.faults.map(fault));
  options($("fault-on"), ["", ...state.operations], ["any", ...state.operations.map(spaced)]);
  $("strict").checked = state.switches.strict;
  $("echo").checked = state.switches.echo;
  $("nested").checked = state.switches.placement === "nested";
  showLogs(now);
}

function showContacts(now) {
  const wanted = $("search").value.trim().toLowerCase();
  const found = now.contacts.filter((contact) => !wanted || JSON.stringify(contact).toLowerCase().includes(wanted));
  table.update(found.toReversed(), columns());
  const all = now.contact_count;
  $("contact-count").textContent = found.length === all ? all : `${found.length} of ${all}`;
}

function showLogs(now) {
  log($("deliveries"), state.deliveries, ["", "Event", "Contact", "Answer", "Attempts"], "d", (one) => {
    const last = one.attempts.at(-1);
    const kind = { delivered: "good", failed: "bad", waiting: "warn", held: "warn" }[one.state];
    const said = last ? (last.status ?? last.error) : "…";
    return {
      key: one.number,
      cells: [time(one.at), one.name, one.contact_id ?? "", h("span", { class: `badge ${kind}` }, `${said} ${one.state}`), one.attempts.length],
      parts: [[`Sent to ${one.url}`, one.body], ...one.attempts.map((each, i) => [`Answer ${i + 1}: ${each.status ?? each.error}`, parsed(each.body)])],
    };
  });
  log($("calls"), state.calls, ["", "Call", "Contact", "Answer", ""], "c", (one) => ({
    key: `${one.at} ${one.operation} ${one.id}`,
    cells: [
      time(one.at),
      spaced(one.operation),
      one.id ?? "",
      h("span", { class: `badge ${one.status === null || one.status >= 400 ? "bad" : "good"}` }, one.status ?? "dropped"),
      one.fault ? h("span", { class: "badge warn" }, "fault") : "",
    ],
    parts: [[`Sent for ${one.workspace ?? "an unknown token"}`, one.body], ["Answer", one.answer]],
  }));
  const events = now.campaign_events.map((one, number) => ({ ...one, number })).toReversed();
  log($("campaigns"), events, ["Campaign event", "Contacts"], "e", (one) => ({
    key: one.number,
    cells: [one.name, `${one.contact_ids.length}`],
    parts: [["Contacts", one.contact_ids]],
  }));
}

function log(place, entries, heads, prefix, describe) {
  if (entries.length === 0) {
    nothingIn(place, "Nothing yet.");
    return;
  }
  const name = (entry) => `${prefix} ${describe(entry).key}`;
  const rows = (entry) => {
    const { cells, parts } = describe(entry);
    const toggle = () => (opened.delete(name(entry)) || opened.add(name(entry)), show());
    const row = h("tr", { onclick: toggle }, ...cells.map((cell) => h("td", {}, cell)));
    if (!opened.has(name(entry))) return [row];
    const details = parts.flatMap(([title, content]) => [h("span", { class: "hint" }, title), h("pre", {}, pretty(content))]);
    return [row, h("tr", { class: "detail" }, h("td", { colspan: cells.length }, ...details))];
  };
  const describeRow = (entry) => ({ key: name(entry), build: () => rows(entry) });
  hold(tableIn(place, heads), entries, describeRow, (entry) => opened.has(name(entry)));
}

function fault(one) {
  const what = one.drop ? "dropped" : one.html ? `HTML ${one.status ?? 200}` : (one.status ?? `delay ${one.delay} s`);
  const effect = one.effect ? ", after effect" : "";
  return h("span", { class: "chip" }, `${one.times} × ${what}${effect}`, h("small", {}, spaced(one.on ?? "any call")));
}

function options(select, values, labels = []) {
  const same = select.options.length === values.length && values.every((value, i) => select.options[i].value === value);
  if (same) return;
  const chosen = select.value;
  select.replaceChildren(...values.map((value, i) => h("option", { value }, labels[i] ?? value)));
  if (values.includes(chosen)) select.value = chosen;
}

const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const spaced = (name) => name.replaceAll("_", " ");
const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

// ---- what a person does

$("search").addEventListener("input", () => state && showContacts(workspace()));
$("workspace").addEventListener("change", () => show());
$("token").addEventListener("change", () => show());
$("add-contact").addEventListener("click", () =>
  contactDialog({
    title: "New contact",
    columns: columns(),
    types: workspace().properties,
    save: (contact) => act("POST", "/sandbox/contacts", { contact }),
  }),
);
$("copy-token").addEventListener("click", () =>
  attempt(() => navigator.clipboard.writeText($("token").value), "Copied"),
);
$("install-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("install").disabled = true;
  await attempt(async () => {
    const made = await act("POST", "/sandbox/install", { url: $("webhook").value, token: $("token").value });
    if (made.state === "failed") throw new Error("The webhook did not accept the installation; see below.");
    toast(made.state === "delivered" ? "Installed" : "Still under way");
  });
  $("install").disabled = false;
});
$("uninstall").addEventListener("click", () =>
  attempt(() => act("POST", "/sandbox/uninstall", { token: $("token").value }), "Uninstalled"),
);
$("event-form").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    const data = JSON.parse($("event-data").value || "{}");
    await act("POST", "/sandbox/events", { [$("event-kind").value]: $("event-name").value, data, token: $("token").value });
  }, "Sent");
});
$("fault-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const kind = $("fault-kind").value;
  const wanted = { times: Number($("fault-times").value) || 1, effect: $("fault-effect").checked };
  if (kind === "html" || kind === "drop") wanted[kind] = true;
  else if (kind !== "delay") wanted.status = Number(kind);
  if ($("fault-on").value) wanted.on = $("fault-on").value;
  if ($("fault-retry").value) wanted.retry_after = Number($("fault-retry").value);
  if ($("fault-delay").value) wanted.delay = Number($("fault-delay").value);
  attempt(() => call("POST", "/sandbox/faults", wanted).then(refresh));
});
$("clear-faults").addEventListener("click", () => attempt(() => call("DELETE", "/sandbox/faults").then(refresh)));
for (const name of ["strict", "echo", "nested"]) {
  $(name).addEventListener("change", () => {
    const on = $(name).checked;
    const wanted = name === "nested" ? { placement: on ? "nested" : "flat" } : { [name]: on };
    attempt(() => call("PATCH", "/sandbox/switches", wanted).then(refresh));
  });
}
const tabs = ["deliveries", "calls", "campaigns"];
for (const chosen of tabs) {
  $(`tab-${chosen}`).addEventListener("click", () => {
    for (const name of tabs) {
      $(name).hidden = name !== chosen;
      $(`tab-${name}`).setAttribute("aria-selected", String(name === chosen));
    }
  });
}
