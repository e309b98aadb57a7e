// Fetches what the desk shows: on sign-in, after a gap, and quietly when nothing was heard for long.

import { call, get, getAll, Problem, serverNow, withQuery } from "./api.js";
import { midnight } from "./days.js";
import { effect } from "./kit.js";
import { hasHole, isQueueDoubtful } from "./state.js";
import { dispatch, selectedId, state, trouble } from "./store.js";

const PAGE = 200;
const CLOSED_PAGE = 50;
const CLOSED_MOST = 1_000;
const DOUBT_MS = 600;
const COLLEAGUES_MS = 30_000;

let running = null;
let again = false;
let doubt = 0;

// Fetches all lists; answers whether they came. Calls during a running fetch lead to one more, not to many.
export function refetch() {
  if (running) {
    again = true;
    return running;
  }
  running = fetchLists().finally(() => {
    running = null;
    if (again) {
      again = false;
      refetch();
    }
  });
  return running;
}

async function fetchLists() {
  dispatch({ type: "snapshot.begun" });
  try {
    const [own, queued, closed] = await Promise.all([
      getAll(`/sessions?mine=1&limit=${PAGE}`),
      getAll(`/sessions?state=WAITING&limit=${PAGE}`),
      closedToday(),
    ]);
    dispatch({ type: "snapshot", sessions: newestOfEach([...own, ...queued, ...closed]) });
    if (selectedId.value) await loadMessages(selectedId.value);
    return true;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return false;
  }
}

// The newest first, so that the first page with one of yesterday is the last that is needed.
async function closedToday() {
  const from = midnight(serverNow());
  const found = [];
  let cursor = "";
  do {
    const page = await call("GET", withQuery(`/sessions?state=CLOSED&mine=1&limit=${CLOSED_PAGE}`, { cursor }));
    found.push(...page.data);
    cursor = page.data.at(-1)?.closed_ms >= from ? page.meta?.next_cursor ?? "" : "";
  } while (cursor && found.length < CLOSED_MOST);
  return found.filter((one) => one.closed_ms >= from);
}

// A conversation may change lists between the three requests: the later word counts.
function newestOfEach(sessions) {
  const found = new Map();
  for (const session of sessions) {
    const known = found.get(session.id);
    if (!known || session.rev > known.rev) found.set(session.id, session);
  }
  return [...found.values()];
}

// Every message after the last one known without a hole.
export async function loadMessages(id) {
  let last = state.value.messages[id]?.last ?? 0;
  for (;;) {
    const messages = await get(`/sessions/${id}/messages?after=${last}&limit=${PAGE}`);
    const complete = messages.length < PAGE;
    dispatch({ type: "history", session_id: id, messages, complete });
    if (complete) return;
    last = messages.at(-1).seq;
  }
}

export async function loadColleagues() {
  try {
    const [agents, groups] = await Promise.all([getAll("/agents"), getAll("/groups")]);
    dispatch({ type: "colleagues", agents, groups });
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  }
}

// Heals by itself: a hole in the messages on screen, and a queue that is not as long as it is said to be.
export function keepWhole() {
  effect(() => {
    const id = selectedId.value;
    const held = state.value.messages[id];
    if (held && hasHole(held)) loadMessages(id).catch(() => {});
  });
  effect(() => {
    clearTimeout(doubt);
    if (state.value.me && isQueueDoubtful(state.value)) doubt = setTimeout(refetch, DOUBT_MS);
  });
  setInterval(() => state.value.me && loadColleagues(), COLLEAGUES_MS);
}

export async function open(id) {
  selectedId.value = id;
  trouble.value = "";
  if (!id || !(state.value.sessions[id] ?? state.value.peeked[id])) return;
  await loadMessages(id).catch((problem) => {
    if (!(problem instanceof Problem)) throw problem;
  });
}
