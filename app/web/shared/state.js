// What the desk knows, and how each event changes it. Pure: no clock, no network, nothing is mutated.
//
// Events carry what the API would answer now, so applying one equals fetching again. `rev` grows with every
// change of a conversation: what is older than what is known is left aside. `departed` marks one that is
// no longer this agent's to see; it stays readable while open on screen and goes with the next snapshot.

const VIEW_MS = 45_000;

export const EMPTY = Object.freeze({
  me: null,
  sessions: {},
  messages: {},
  outgoing: {},
  agents: {},
  groups: [],
  queues: {},
  touched: null,
  peeked: {},
  viewers: {},
});

const HANDLERS = {
  signed_in: (state, { me }) => ({ ...EMPTY, me }),
  signed_out: () => EMPTY,
  "me.changed": (state, { me }) => ({ ...state, me: { ...state.me, ...me } }),
  colleagues: (state, { agents, groups }) => ({ ...state, agents: byAccount(agents), groups }),
  "snapshot.begun": (state) => ({ ...state, touched: {} }),
  snapshot,
  history,
  peeked: (state, { session }) => ({ ...state, peeked: { [session.id]: session } }),
  "viewer.changed": viewerChanged,
  viewers: (state, { session_id, viewers }) => ({ ...state, viewers: { [session_id]: viewers.map(seen) } }),
  "session.assigned": sessionEvent,
  "session.updated": sessionEvent,
  "session.closed": sessionEvent,
  "message.created": (state, event) => messageEvent(state, event, false),
  "message.updated": (state, event) => messageEvent(state, event, true),
  "queue.changed": queueChanged,
  "presence.changed": presenceChanged,
  "outgoing.added": (state, { item }) => withOutgoing(state, item.session_id, (list) => [...list, item]),
  "outgoing.changed": (state, { session_id, client_id, change }) =>
    withOutgoing(state, session_id, (list) =>
      list.map((item) => (item.client_id === client_id ? { ...item, ...change } : item))),
  "outgoing.dropped": (state, { session_id, client_id }) =>
    withOutgoing(state, session_id, (list) => list.filter((item) => item.client_id !== client_id)),
};

// The state after an action or event; unknown types change nothing.
export function reduce(state, action) {
  const handler = HANDLERS[action.type];
  return handler ? handler(state, action) : state;
}

// `sessions` are all this agent may see now; one that an event touched since the request began is newer.
function snapshot(state, { sessions }) {
  const touched = state.touched ?? {};
  const fetched = Object.fromEntries(sessions.map((session) => [session.id, session]));
  const next = {};
  for (const [id, known] of Object.entries(state.sessions)) {
    if (touched[id] && !isNewer(fetched[id], known)) next[id] = known;
  }
  for (const [id, session] of Object.entries(fetched)) next[id] ??= session;
  return { ...state, sessions: next, queues: {}, touched: null };
}

function isNewer(session, known) {
  return Boolean(session) && session.rev > known.rev;
}

function sessionEvent(state, { session }) {
  if (!session) return state;
  const known = state.sessions[session.id];
  if (known && session.rev < known.rev) return state;
  if (!known && !concerns(state, session)) return state;
  const departed = !concerns(state, session);
  const kept = departed ? { ...session, departed } : session;
  return touch({ ...state, sessions: { ...state.sessions, [session.id]: kept } }, session.id);
}

// Waiting ones, this agent's own, and those they are asked to take over.
export function concerns(state, session) {
  const me = state.me?.kf_account;
  if (session.state === "WAITING") return true;
  return Boolean(me) && (session.kf_account === me || session.transfer?.to === me);
}

// A message.created that comes after the fetched message is older than it; an update replaces.
function messageEvent(state, { message, session }, replaces) {
  let next = session ? sessionEvent(state, { session }) : state;
  if (!message) return next;
  const held = next.messages[message.session_id];
  if (held) next = withMessages(next, message.session_id, insert(held, [message], replaces));
  return withoutOutgoing(next, message);
}

// Messages from the API: `after` is the seq asked from; `complete` when nothing newer exists.
function history(state, { session_id, messages, complete }) {
  const held = state.messages[session_id] ?? { list: [], last: 0, complete: false };
  let next = withMessages(state, session_id, { ...insert(held, messages, true), complete });
  for (const message of messages) next = withoutOutgoing(next, message);
  return next;
}

// `last` is the highest seq without a hole before it: what comes after a hole is fetched from there.
function insert(held, messages, replaces) {
  const bySeq = new Map(held.list.map((message) => [message.seq, message]));
  for (const message of messages) {
    if (replaces || !bySeq.has(message.seq)) bySeq.set(message.seq, message);
  }
  const list = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
  let last = 0;
  for (const message of list) {
    if (message.seq !== last + 1) break;
    last = message.seq;
  }
  return { ...held, list, last };
}

export function hasHole(held) {
  return held.list.length > 0 && held.list.at(-1).seq !== held.last;
}

// Agents of the group are told of who left the queue only here, unless they got the customer themselves.
function queueChanged(state, { group, waiting, left }) {
  let sessions = state.sessions;
  const gone = sessions[left];
  if (gone?.state === "WAITING") {
    sessions = moveUp(sessions, gone);
    sessions = { ...sessions, [left]: { ...gone, departed: true, queue_position: null } };
  }
  const next = left ? touch({ ...state, sessions }, left) : { ...state, sessions };
  return { ...next, queues: { ...state.queues, [group]: waiting } };
}

// Whether a queue is said to have another length than what is known of it: time to fetch.
export function isQueueDoubtful(state) {
  const waiting = Object.values(state.sessions).filter(isWaiting);
  return Object.entries(state.queues).some(
    ([group, length]) => waiting.filter((one) => one.group === group).length !== length,
  );
}

export function isWaiting(session) {
  return session.state === "WAITING" && !session.departed;
}

function moveUp(sessions, gone) {
  const behind = Object.values(sessions).filter(
    (one) => isWaiting(one) && one.group === gone.group && one.queue_position > gone.queue_position,
  );
  const moved = behind.map((one) => [one.id, { ...one, queue_position: one.queue_position - 1 }]);
  return { ...sessions, ...Object.fromEntries(moved) };
}

// Who looks at a conversation and who types in it, until when; the newest word of each counts.
function viewerChanged(state, { session_id, kf_account, who, typing, viewing, at_ms }) {
  const others = (state.viewers[session_id] ?? []).filter((one) => one.who !== who);
  const before = (state.viewers[session_id] ?? []).find((one) => one.who === who);
  const left = viewing === false;
  const until_ms = (at_ms ?? 0) + VIEW_MS;
  const now = { who, kf_account, until_ms: Math.max(until_ms, before?.until_ms ?? 0), typing_ms: typing ? until_ms : 0 };
  return { ...state, viewers: { ...state.viewers, [session_id]: left ? others : [...others, now] } };
}

const seen = ({ who, kf_account, until_ms }) => ({ who, kf_account, until_ms, typing_ms: 0 });

function presenceChanged(state, { kf_account, status }) {
  const agent = state.agents[kf_account];
  const agents = agent ? { ...state.agents, [kf_account]: { ...agent, status } } : state.agents;
  const me = state.me?.kf_account === kf_account ? { ...state.me, status } : state.me;
  return { ...state, agents, me };
}

function touch(state, id) {
  return state.touched ? { ...state, touched: { ...state.touched, [id]: true } } : state;
}

function withMessages(state, id, held) {
  return { ...state, messages: { ...state.messages, [id]: held } };
}

function withOutgoing(state, id, change) {
  return { ...state, outgoing: { ...state.outgoing, [id]: change(state.outgoing[id] ?? []) } };
}

function withoutOutgoing(state, message) {
  const waiting = state.outgoing[message.session_id];
  if (!message.client_id || !waiting?.some((item) => item.client_id === message.client_id)) return state;
  return withOutgoing(state, message.session_id, (list) =>
    list.filter((item) => item.client_id !== message.client_id));
}

function byAccount(agents) {
  return Object.fromEntries(agents.map((agent) => [agent.kf_account, agent]));
}
