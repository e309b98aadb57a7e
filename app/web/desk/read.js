// Tells the server that messages were seen: only while the conversation is really on screen.

import { post } from "../shared/api.js";
import { effect, signal } from "../shared/kit.js";
import { isMine } from "./selectors.js";
import { selected, state } from "../shared/store.js";

const visible = signal(!document.hidden);
const told = new Map();

export function keepRead() {
  document.addEventListener("visibilitychange", () => (visible.value = !document.hidden));
  effect(() => {
    const session = selected.value;
    if (!session?.unread || !visible.value || !isMine(state.value, session)) return;
    if (told.get(session.id) === session.rev) return;
    told.set(session.id, session.rev);
    post(`/sessions/${session.id}/read`).catch(() => told.delete(session.id));
  });
}
