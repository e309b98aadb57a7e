// What an agent must not miss: sound and desktop notification for news he is not looking at.

import { signal } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { go } from "./address.js";
import { preview } from "../shared/content.js";
import { customerName } from "../shared/names.js";
import { ring } from "./sound.js";
import { selectedId, state } from "../shared/store.js";
import { say } from "./tabs.js";

const ASK_MS = 200;

export const permission = signal(globalThis.Notification?.permission ?? "none");

const waiting = new Map();

export async function askPermission() {
  permission.value = await Notification.requestPermission();
}

// `before` is the conversation as it was known until now. Each tab asks itself; who shows it tells the others.
export function consider(type, { session, message }, before) {
  const title = session && worth(type, session, message, before);
  if (!title) return;
  if (isSeen(session.id)) {
    say({ kind: "seen", id: session.id });
    return;
  }
  // A new customer and his first message are one piece of news, told by what came first.
  const first = waiting.get(session.id) ?? { title };
  clearTimeout(first.timer);
  waiting.set(session.id, { ...first, timer: setTimeout(() => alert(session, first.title), ASK_MS) });
}

// What a fetch brought in place of events; `before` are the conversations as they were known until then.
export function considerFetched(before, sessions) {
  for (const session of Object.values(sessions)) {
    const known = before[session.id];
    if (session.state === "CLOSED" || session.rev === known?.rev) continue;
    consider("session.assigned", { session }, known);
    const isNews = session.last_message && session.last_message.created_ms !== known?.last_message?.created_ms;
    if (isNews) consider("message.created", { session, message: session.last_message }, known);
  }
}

export function seenElsewhere(id) {
  clearTimeout(waiting.get(id)?.timer);
  waiting.delete(id);
}

function worth(type, session, message, before) {
  const me = state.peek().me?.kf_account;
  const mine = session.kf_account === me;
  if (type === "notice") return mine ? t("alert.unanswered") : "";
  if (type === "message.created") return mine && message?.direction === "in" ? t("alert.message") : "";
  if (session.transfer?.to === me && before?.transfer?.to !== me) return t("alert.asked");
  return type === "session.assigned" && mine && before?.kf_account !== me ? t("alert.assigned") : "";
}

const isSeen = (id) => !document.hidden && document.hasFocus() && selectedId.peek() === id;

function alert(session, title) {
  waiting.delete(session.id);
  ring();
  if (permission.peek() !== "granted") return;
  const latest = state.peek().sessions[session.id] ?? session;
  try {
    // The tag makes all tabs' notifications of one conversation one.
    const shown = new Notification(`${customerName(latest)} · ${title}`, { body: preview(latest.last_message), tag: session.id });
    shown.onclick = () => {
      focus();
      go(session.id);
      shown.close();
    };
  } catch {
    permission.value = "none";
  }
}
