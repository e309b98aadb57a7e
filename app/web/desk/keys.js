// The keyboard for everything. Single letters work outside of fields only; Alt ones everywhere.

import { Dialog } from "../shared/dialog.js";
import { html, signal } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { go } from "./address.js";
import { isComposing } from "./limits.js";
import { selectedId, state } from "../shared/store.js";
import { listNames, listed, shown } from "./lists.js";

const HELP = [
  ["?", "keys.help"], ["J / Alt+↓", "keys.next"], ["K / Alt+↑", "keys.previous"], ["1 2 3", "keys.lists"], ["S", "keys.search"],
  ["R", "keys.write"], ["T", "keys.transfer"], ["X", "keys.close"], ["I", "keys.card"], ["Esc", "keys.back"],
];

const ACTIONS = {
  "?": () => (help.value = true),
  j: () => step(1),
  k: () => step(-1),
  1: () => (shown.value = listNames[0]),
  2: () => (shown.value = listNames[1]),
  3: () => (shown.value = listNames[2]),
  s: () => focus("#search"),
  r: () => focus(".composer textarea"),
  t: () => press("transfer"),
  x: () => press("close"),
  i: () => press("card"),
};

export const help = signal(false);

export function KeysHelp() {
  if (!help.value) return "";
  return html`<${Dialog} title=${t("keys.title")} onClose=${() => (help.value = false)}>
    <dl class="keys">
      ${HELP.map(([keys, what]) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${t(what)}</dd></div>`)}
      <div><dt><kbd>/</kbd></dt><dd>${t("keys.canned")} · ${t("keys.start")}</dd></div>
    </dl>
  <//>`;
}

export function listenToKeys() {
  addEventListener("keydown", (event) => {
    if (!state.peek().me?.kf_account || isComposing(event) || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (act(event)) event.preventDefault();
  });
}

function act({ key, altKey, ctrlKey, metaKey, target }) {
  if (altKey && (key === "ArrowDown" || key === "ArrowUp")) return step(key === "ArrowDown" ? 1 : -1);
  if (ctrlKey || metaKey || altKey) return false;
  const writes = target.closest?.("input, textarea, select");
  if (key === "Escape") return back(writes);
  const action = !writes && ACTIONS[key.toLowerCase()];
  if (!action) return false;
  action();
  return true;
}

function back(writes) {
  if (writes) writes.blur();
  else if (selectedId.peek()) go("");
  return true;
}

function step(by) {
  const rows = listed();
  const at = rows.findIndex((one) => one.id === selectedId.peek());
  const next = rows[at < 0 ? 0 : at + by];
  if (next) go(next.id);
  return true;
}

const focus = (selector) => document.querySelector(selector)?.focus();
const press = (name) => document.querySelector(`[data-key="${name}"]`)?.click();
