// Sending: shown at once under an id made here, handed over in order, failed in place.
//
// The id makes the request safe to repeat: without an answer it is sent again under the same id.

import { post, Problem, upload } from "./api.js";
import { problemWords } from "./problems.js";
import { dispatch, state, trouble } from "./store.js";

const RETRIES_MS = [1_000, 3_000, 8_000];

const lanes = new Map();

export function sendText(session, text) {
  add(session, { type: "text", text });
}

export function sendFile(session, type, file) {
  add(session, { type, text: "", file, preview: URL.createObjectURL(file), media: { mime: file.type } });
}

// A news link, a menu, a link card or a mini-program page; `parts` are fields of the request's body.
export function sendSpecial(session, type, parts, file) {
  const { article, menu, page, link } = parts;
  const media = menu ? { ...menu, list: menu.items.map((content) => ({ content })) } : { ...(article ?? page ?? link) };
  add(session, { type, text: "", parts, file, media });
}

export function sendAgain(item) {
  change(item, { state: "sending", problem: "" });
  queue(item);
}

export function drop(item) {
  forget(item);
  dispatch({ type: "outgoing.dropped", session_id: item.session_id, client_id: item.client_id });
}

// A message that the platform refused, or did not confirm; the agent has agreed to it.
export async function resend(message) {
  try {
    await post(`/sessions/${message.session_id}/messages/${message.id}/resend`);
  } catch (problem) {
    trouble.value = problemWords(problem);
  }
}

function add(session, content) {
  const item = {
    ...content,
    client_id: crypto.randomUUID?.() ?? `c${Date.now()}-${Math.random().toString(36).slice(2)}`,
    session_id: session.id,
    owner_epoch: session.owner_epoch,
    created_ms: Date.now(),
    state: "sending",
  };
  dispatch({ type: "outgoing.added", item });
  queue(item);
}

// One after another in each conversation, so that they arrive in the order they were written.
function queue(item) {
  const before = lanes.get(item.session_id) ?? Promise.resolve();
  const lane = before.then(() => handOver(item)).catch((problem) => failed(item, problem));
  lanes.set(item.session_id, lane);
}

async function handOver(item) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const message = await request(item);
      dispatch({ type: "message.created", message });
      forget(item);
      return;
    } catch (problem) {
      if (!mayPass(problem) || attempt === RETRIES_MS.length) throw problem;
      await new Promise((done) => setTimeout(done, RETRIES_MS[attempt]));
    }
  }
}

async function request(item) {
  const body = { client_id: item.client_id, type: item.type, owner_epoch: item.owner_epoch, ...item.parts };
  if (item.type === "text") body.text = item.text;
  if (item.file) body.media_id = await uploaded(item);
  return post(`/sessions/${item.session_id}/messages`, body);
}

async function uploaded(item) {
  item.media_id ??= (await upload("/media", item.file)).media_id;
  return item.media_id;
}

function mayPass(problem) {
  return problem instanceof Problem && (problem.status === 0 || problem.status === 503);
}

function failed(item, problem) {
  change(item, { state: "unsent", problem: problemWords(problem) });
  if (!(problem instanceof Problem)) throw problem;
}

function change(item, changes) {
  dispatch({ type: "outgoing.changed", session_id: item.session_id, client_id: item.client_id, change: changes });
}

function forget(item) {
  if (item.preview) URL.revokeObjectURL(item.preview);
}

// Leaving the page loses what was not handed over: the browser asks first.
addEventListener("beforeunload", (event) => {
  if (Object.values(state.value.outgoing).some((list) => list.length)) event.preventDefault();
});
