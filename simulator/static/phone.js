// The customer's phone: several customers, one chat at a time, polled once a second.

import * as api from "./api.js";
import { onSwitch, switchLanguage, words } from "./i18n.js";
import { at, drawAll, drawChat, drawState, drawTabs } from "./screen.js";
import { FIRST_LETTERS, LETTERS, openidOf, state } from "./state.js";

const POLL_MS = 1000;

const on = { act, choose, pickFile: () => at("file").click() };

function complain(text) {
  at("error").textContent = text;
  at("error").hidden = !text;
}

function wordsOfError(error) {
  return words()[error.status === 409 ? "refused" : "failed"];
}

async function act(spec) {
  const openid = openidOf(state.active);
  const sent = api.act(openid, spec);
  refreshSoon();
  try {
    await sent;
    complain("");
  } catch (error) {
    complain(wordsOfError(error));
  }
  refreshSoon();
}

async function refresh() {
  const { active: letter, turn } = state;
  const after = state.lines.at(-1)?.seq ?? 0;
  const news = await api.transcript(openidOf(letter), after);
  if (turn !== state.turn) return;
  state.follower = news.follower;
  state.typing = news.typing;
  // Two refreshes may overlap: only lines that are still new are taken.
  const fresh = news.data.filter((line) => line.seq > (state.lines.at(-1)?.seq ?? 0));
  if (fresh.length) {
    state.lines.push(...fresh);
    drawChat(on);
  }
  state.seen[letter] = state.lines.at(-1)?.seq ?? 0;
  drawState();
}

function refreshSoon() {
  setTimeout(() => refresh().catch(() => {}), 60);
}

async function refreshPeople() {
  for (const follower of await api.followers()) {
    const letter = state.letters.find((one) => openidOf(one) === follower.openid);
    if (letter) state.latest[letter] = follower.last_seq;
  }
  drawTabs(on);
}

async function choose(letter) {
  state.active = letter;
  state.turn += 1;
  state.lines = [];
  state.follower = null;
  drawAll(on);
  await refresh().catch(() => {});
  at("text").focus();
}

async function addCustomer() {
  const letter = LETTERS[state.letters.length];
  if (!letter) return;
  await api.createFollower(openidOf(letter), `客户${letter}`);
  state.letters.push(letter);
  await choose(letter);
}

function sendFile(file) {
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    act({ type: "image", filename: file.name, media: reader.result.split(",")[1] });
  });
  reader.readAsDataURL(file);
}

async function poll() {
  try {
    await refresh();
    await refreshPeople();
    if (at("error").dataset.offline) complain("");
    delete at("error").dataset.offline;
  } catch {
    at("error").dataset.offline = "1";
    complain(words().offline);
  }
  setTimeout(poll, POLL_MS);
}

async function begin() {
  state.account = await api.account();
  const known = new Set((await api.followers()).map((follower) => follower.openid));
  for (const letter of LETTERS) {
    if (known.has(openidOf(letter)) && !state.letters.includes(letter)) state.letters.push(letter);
  }
  for (const letter of FIRST_LETTERS) {
    if (!known.has(openidOf(letter))) await api.createFollower(openidOf(letter), `客户${letter}`);
  }
  const wanted = new URLSearchParams(location.search).get("customer");
  if (state.letters.includes(wanted)) state.active = wanted;
  for (const follower of await api.followers()) {
    const letter = state.letters.find((one) => openidOf(one) === follower.openid);
    if (letter) state.seen[letter] = follower.last_seq;
  }
  drawAll(on);
  await poll();
}

at("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value;
  if (!text.trim()) return;
  at("text").value = "";
  act({ type: "text", text });
});
at("more").addEventListener("click", () => {
  at("panel").hidden = !at("panel").hidden;
  at("more").ariaExpanded = String(!at("panel").hidden);
});
at("file").addEventListener("change", (event) => {
  if (event.target.files[0]) sendFile(event.target.files[0]);
  event.target.value = "";
});
at("add").addEventListener("click", () => addCustomer().catch((error) => complain(wordsOfError(error))));
at("language").hidden = window.parent !== window;
at("language").addEventListener("click", () => {
  switchLanguage();
  drawAll(on);
});
onSwitch(() => drawAll(on));
begin().catch((error) => complain(wordsOfError(error)));
