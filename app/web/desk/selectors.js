// What views read out of the state. Pure, as state.js is.

import { midnight } from "../shared/days.js";
import { concerns, isWaiting } from "../shared/state.js";

const OPEN = new Set(["SERVING", "TRANSFERING"]);

// Those that ask me first, then by the latest activity.
export function mine(state) {
  return of(state, (one) => OPEN.has(one.state) && !one.departed && concerns(state, one)).sort(
    (one, other) => asksMe(state, other) - asksMe(state, one) || other.last_active_ms - one.last_active_ms,
  );
}

export function waiting(state) {
  return of(state, isWaiting).sort(
    (one, other) => one.queue_position - other.queue_position || one.waiting_since_ms - other.waiting_since_ms,
  );
}

// Since midnight; earlier ones are found by search and on the customer's card.
export function closedOnes(state, nowMs) {
  const from = midnight(nowMs);
  return of(state, (one) => one.state === "CLOSED" && one.kf_account === state.me.kf_account && one.closed_ms >= from).sort(
    (one, other) => other.closed_ms - one.closed_ms,
  );
}

export function asksMe(state, session) {
  return Number(session.state === "TRANSFERING" && session.transfer?.to === state.me.kf_account);
}

export function isMine(state, session) {
  return OPEN.has(session.state) && session.kf_account === state.me.kf_account;
}

export function unreadTotal(state) {
  return mine(state).reduce((sum, session) => sum + session.unread, 0);
}

// Why nothing can be sent here now; "" when something can.
export function whyReadOnly(state, session, nowMs) {
  if (session.state === "CLOSED") return "closed";
  if (asksMe(state, session)) return "asked";
  if (session.state === "WAITING" && !session.departed) return "waiting";
  if (!isMine(state, session)) return "departed";
  if (session.customer.subscribed === false) return "left";
  if (session.budget.window_ends_ms <= nowMs) return "window";
  return session.budget.remaining > 0 ? "" : "spent";
}

// How long the customer has been waiting for us, 0 when he is not.
export function waitedMs(session, nowMs) {
  const since = session.state === "WAITING" ? session.waiting_since_ms : unansweredSince(session);
  return since ? Math.max(0, nowMs - since) : 0;
}

function unansweredSince(session) {
  return OPEN.has(session.state) && session.unanswered > 0 ? session.last_message?.created_ms : 0;
}

function of(state, wanted) {
  return Object.values(state.sessions).filter(wanted);
}
