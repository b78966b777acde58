// Plays the platform's part around an integration's settings page: frames it, follows its height, tells it to save.

import { toast } from "./kit.js";

const $ = (id) => document.getElementById(id);
const frame = $("frame");
let origin; // of the page in the frame; nobody else is listened to or spoken to

const say = (text) => ($("frame-status").textContent = text);

$("frame-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const address = new URL($("frame-url").value);
  if (!["http:", "https:"].includes(address.protocol) || address.origin === location.origin) {
    toast("A settings page has an http address of another origin than this page.", "bad");
    return;
  }
  origin = address.origin;
  address.searchParams.set("token", $("token").value);
  frame.hidden = false;
  frame.style.height = "";
  $("frame-save").disabled = true;
  frame.src = address.href;
  say("loading …");
});

$("frame-save").addEventListener("click", () => {
  say("saving …");
  frame.contentWindow.postMessage({ post_form: true }, origin);
});

window.addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== origin) return;
  const height = event.data?.iframe_loaded?.height;
  if (typeof height === "number" && Number.isFinite(height)) {
    frame.style.height = `${Math.min(Math.max(height + 24, 60), 2000)}px`;
    $("frame-save").disabled = false;
    say(`loaded, ${Math.round(height)} px high`);
  }
  const saved = event.data?.iframe_saved?.success;
  if (typeof saved === "boolean") say(saved ? "saved" : "not saved: the page says what is wrong");
});

// This page's origin is the platform's origin, and the settings page may be framed by that one alone.
if (location.hostname !== "127.0.0.1") say("open this page as 127.0.0.1 to use this: the name is part of its origin");
