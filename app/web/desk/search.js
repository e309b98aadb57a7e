// Search in one's conversations: names at once, messages by the server.

import { get, withQuery } from "../shared/api.js";
import { html, signal } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { momentOf } from "../shared/time.js";
import { t } from "../shared/words.js";
import { go } from "./address.js";
import { customerName } from "../shared/names.js";
import { dispatch, now, state, trouble } from "../shared/store.js";

const PAUSE_MS = 300;
const CHARS_MIN = 2;

export const words = signal("");
const hits = signal(null);
let pause = 0;

export function SearchBox() {
  return html`<div class="search">
    <input type="search" id="search" value=${words.value} maxlength="64" aria-label=${t("search.label")} placeholder=${t("search.hint")}
      onInput=${(event) => asked(event.currentTarget.value)} onKeyDown=${(event) => event.key === "Escape" && asked("")} />
  </div>`;
}

export function Results() {
  const wanted = words.value.trim();
  const rows = hits.value;
  const people = named(wanted);
  return html`<div class="rows results" role="region" aria-label=${t("search.results")}>
    <p class="hint" role="status">${tell(wanted, rows, people)}</p>
    <ul>
      ${people.map((session) => html`<${Hit} key=${session.id} session=${session} text="" />`)}
      ${(rows ?? []).map(({ session, message }) => html`<${Hit} key=${message.id} session=${session} text=${message.text} at=${message.created_ms} words=${wanted} />`)}
    </ul>
  </div>`;
}

function tell(wanted, rows, people) {
  if ([...wanted].length < CHARS_MIN) return t("search.short");
  if (!rows) return t("app.loading");
  const n = rows.length + people.length;
  return n ? t("search.count", { n }) : t("search.none", { words: wanted });
}

function Hit({ session, text, at, words: wanted }) {
  return html`<li class="row"><button type="button" class="row-open" onClick=${() => show(session)}>
    <span class="row-text">
      <span class="row-line"><strong class="row-name">${customerName(session)}</strong>
        <time class="dim">${momentOf(at ?? session.created_ms, now.value)}</time></span>
      ${text && html`<span class="row-preview"><${Marked} text=${text} words=${wanted} /></span>`}
    </span>
  </button></li>`;
}

// The words as found, with a little of what stands before them.
function Marked({ text, words: wanted }) {
  const at = text.toLowerCase().indexOf(wanted.toLowerCase());
  if (at < 0) return text;
  const from = Math.max(0, at - 8);
  return html`${from ? "…" : ""}${text.slice(from, at)}<mark>${text.slice(at, at + wanted.length)}</mark>${text.slice(at + wanted.length)}`;
}

function show(session) {
  dispatch({ type: "peeked", session });
  go(session.id);
}

function named(wanted) {
  if ([...wanted].length < CHARS_MIN) return [];
  const low = wanted.toLowerCase();
  return Object.values(state.value.sessions).filter((one) => customerName(one).toLowerCase().includes(low)).slice(0, 10);
}

function asked(text) {
  words.value = text;
  hits.value = null;
  clearTimeout(pause);
  if ([...text.trim()].length >= CHARS_MIN) pause = setTimeout(() => find(text.trim()), PAUSE_MS);
}

async function find(text) {
  try {
    const found = await get(withQuery("/search", { q: text }));
    if (words.peek().trim() === text) hits.value = found;
  } catch (problem) {
    trouble.value = problemWords(problem);
    hits.value = [];
  }
}
