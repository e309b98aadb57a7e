// What an agent does with a conversation; what is refused is said in words.

import { post } from "../shared/api.js";
import { problemWords } from "../shared/problems.js";
import { go } from "./address.js";
import { dispatch, state, trouble } from "../shared/store.js";
import { refetch } from "../shared/sync.js";

const STALE = new Set(["not_owner", "session_closed", "not_waiting", "not_transfering", "not_found", "conflict"]);

export const accept = (session) => act(session, "accept");
export const decline = (session) => act(session, "decline");
export const transfer = (session, body) => act(session, "transfer", body);

export async function take(session) {
  if (await act(session, "take")) go(session.id);
}

// Refused when the customer wrote after the last message on screen.
export function close(session, survey) {
  const last = state.value.messages[session.id]?.list.at(-1);
  return act(session, "close", last ? { last_message_id: last.id, survey } : { survey });
}

// The answer is the conversation as it is now: what the event will say, a moment earlier.
async function act(session, name, body = {}) {
  trouble.value = "";
  try {
    const changed = await post(`/sessions/${session.id}/${name}`, body);
    if (changed?.id) dispatch({ type: "session.updated", session: changed });
    return true;
  } catch (problem) {
    trouble.value = problemWords(problem);
    if (STALE.has(problem.code)) refetch();
    return false;
  }
}
