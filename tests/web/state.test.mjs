import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY, hasHole, isQueueDoubtful, isWaiting, reduce } from "../../app/web/shared/state.js";
import { closedOnes, mine, unreadTotal, waiting, whyReadOnly } from "../../app/web/desk/selectors.js";

const ME = "a@demo";
const signedIn = reduce(EMPTY, { type: "signed_in", me: { kf_account: ME, status: "online" } });

function session(id, change = {}) {
  return {
    id, openid: `o-${id}`, state: "SERVING", kf_account: ME, group: "g", rev: 1, unread: 0, unanswered: 0,
    customer: { remark: "", subscribed: true }, queue_position: null, transfer: null,
    last_active_ms: 1, created_ms: 1, budget: { remaining: 5, window_ends_ms: 10_000 }, ...change,
  };
}

function message(session_id, seq, change = {}) {
  return { id: `${session_id}.${seq}`, seq, session_id, direction: "in", type: "text", text: `m${seq}`, client_id: "", ...change };
}

const run = (state, ...actions) => actions.reduce(reduce, state);
const updated = (one, type = "session.updated") => ({ type, session: one });
const snapshot = (...sessions) => ({ type: "snapshot", sessions });

test("an event and a fresh fetch of the same conversation leave the same state", () => {
  const now = session("1", { rev: 3, unread: 2 });
  const told = run(signedIn, updated(session("1")), updated(now));
  assert.deepEqual(told.sessions, run(signedIn, snapshot(now)).sessions);
});

test("an older event after a newer one changes nothing", () => {
  const newer = run(signedIn, updated(session("1", { rev: 5, unread: 1 })));
  assert.equal(reduce(newer, updated(session("1", { rev: 4 }))), newer);
});

test("nothing is mutated", () => {
  const before = run(signedIn, updated(session("1")), { type: "history", session_id: "1", messages: [message("1", 1)], complete: true });
  const copy = structuredClone(before);
  run(before, updated(session("1", { rev: 2 })), { type: "message.created", message: message("1", 2) },
    { type: "queue.changed", group: "g", waiting: 1, joined: null, left: "1" });
  assert.deepEqual(before, copy);
});

test("a conversation given to another agent turns read-only at once and leaves my list", () => {
  const state = run(signedIn, updated(session("1")), updated(session("1", { rev: 2, kf_account: "b@demo" }), "session.assigned"));
  assert.deepEqual(mine(state), []);
  assert.equal(whyReadOnly(state, state.sessions["1"], 1), "departed");
});

test("who left the queue without coming to me disappears and those behind move up", () => {
  const one = session("1", { state: "WAITING", kf_account: null, queue_position: 1 });
  const two = session("2", { state: "WAITING", kf_account: null, queue_position: 2 });
  const state = run(signedIn, updated(one), updated(two), { type: "queue.changed", group: "g", waiting: 1, joined: null, left: "1" });
  assert.deepEqual(waiting(state).map((row) => [row.id, row.queue_position]), [["2", 1]]);
  assert.equal(isWaiting(state.sessions["1"]), false);
  assert.equal(isQueueDoubtful(state), false);
});

test("whom I take leaves the queue and is mine", () => {
  const one = session("1", { state: "WAITING", kf_account: null, queue_position: 1 });
  const state = run(signedIn, updated(one), { type: "queue.changed", group: "g", waiting: 0, joined: null, left: "1" },
    updated(session("1", { rev: 2 }), "session.assigned"));
  assert.deepEqual(waiting(state), []);
  assert.deepEqual(mine(state).map((row) => row.id), ["1"]);
  assert.equal(whyReadOnly(state, state.sessions["1"], 1), "");
});

test("a queue of another length than known is doubtful until the next snapshot", () => {
  const state = run(signedIn, { type: "queue.changed", group: "g", waiting: 2, joined: "x", left: null });
  assert.equal(isQueueDoubtful(state), true);
  assert.equal(isQueueDoubtful(run(state, snapshot())), false);
});

test("what an event said while the lists were being fetched is not undone by them", () => {
  const state = run(signedIn, updated(session("1")), { type: "snapshot.begun" },
    updated(session("1", { rev: 2, state: "CLOSED", closed_ms: 2 }), "session.closed"), updated(session("2")), snapshot(session("1")));
  assert.deepEqual(closedOnes(state, 2).map((row) => row.id), ["1"]);
  assert.deepEqual(mine(state).map((row) => row.id), ["2"]);
});

test("the closed ones shown are those since midnight in Beijing", () => {
  const at = (iso) => Date.parse(`${iso}+08:00`);
  const closed = (id, iso) => session(id, { state: "CLOSED", closed_ms: at(iso) });
  const state = run(signedIn, snapshot(
    closed("1", "2026-11-19T23:59:59"), closed("2", "2026-11-20T00:00:00"), closed("3", "2026-11-20T00:30:00")));
  const shown = (iso) => closedOnes(state, at(iso)).map((row) => row.id);
  assert.deepEqual(shown("2026-11-20T00:31:00"), ["3", "2"]);
  assert.deepEqual(shown("2026-11-20T23:59:00"), ["3", "2"]);
  assert.deepEqual(shown("2026-11-21T00:00:00"), []);
});

test("a snapshot drops what is no longer there and keeps nothing marked", () => {
  const state = run(signedIn, updated(session("1")), { type: "snapshot.begun" }, snapshot(session("2")));
  assert.deepEqual(Object.keys(state.sessions), ["2"]);
  assert.equal(state.touched, null);
});

test("messages are shown in the order of seq, whatever order they come in, and a hole is seen", () => {
  const loaded = run(signedIn, { type: "history", session_id: "1", messages: [message("1", 1)], complete: true });
  const gap = run(loaded, { type: "message.created", message: message("1", 3) });
  assert.equal(hasHole(gap.messages["1"]), true);
  assert.equal(gap.messages["1"].last, 1);
  const healed = run(gap, { type: "history", session_id: "1", messages: [message("1", 2), message("1", 3)], complete: true });
  assert.deepEqual(healed.messages["1"].list.map((one) => one.seq), [1, 2, 3]);
  assert.equal(hasHole(healed.messages["1"]), false);
});

test("a late message.created does not undo what a fetch said of the message, an update does replace it", () => {
  const sent = run(signedIn, { type: "history", session_id: "1", messages: [message("1", 1, { status: "sent" })], complete: true });
  const late = run(sent, { type: "message.created", message: message("1", 1, { status: "pending" }) });
  assert.equal(late.messages["1"].list[0].status, "sent");
  const failed = run(late, { type: "message.updated", message: message("1", 1, { status: "failed" }) });
  assert.equal(failed.messages["1"].list[0].status, "failed");
});

test("the server's copy replaces what was shown under the client's id", () => {
  const item = { session_id: "1", client_id: "c1", type: "text", text: "hi", state: "sending" };
  const shown = run(signedIn, { type: "history", session_id: "1", messages: [], complete: true }, { type: "outgoing.added", item });
  const state = run(shown, { type: "message.created", message: message("1", 1, { client_id: "c1", direction: "out" }) });
  assert.deepEqual(state.outgoing["1"], []);
  assert.equal(state.messages["1"].list.length, 1);
});

test("a refused message stays in place with its reason", () => {
  const item = { session_id: "1", client_id: "c1", state: "sending" };
  const state = run(signedIn, { type: "outgoing.added", item },
    { type: "outgoing.changed", session_id: "1", client_id: "c1", change: { state: "unsent", problem: "not_owner" } });
  assert.deepEqual(state.outgoing["1"], [{ ...item, state: "unsent", problem: "not_owner" }]);
});

test("one who is asked to take over sees the conversation and cannot answer before he accepts", () => {
  const asked = session("1", { kf_account: "b@demo", state: "TRANSFERING", transfer: { to: ME, by: "b@demo" } });
  const state = run(signedIn, updated(asked));
  assert.deepEqual(mine(state).map((row) => row.id), ["1"]);
  assert.equal(whyReadOnly(state, asked, 1), "asked");
});

test("a supervisor's stream of other agents' conversations is not kept", () => {
  assert.deepEqual(run(signedIn, updated(session("1", { kf_account: "b@demo" }))).sessions, {});
});

test("replies spent, window over and unfollowed each have their own reason", () => {
  const reason = (change) => whyReadOnly(signedIn, session("1", change), 5_000);
  assert.equal(reason({ budget: { remaining: 0, window_ends_ms: 10_000 } }), "spent");
  assert.equal(reason({ budget: { remaining: 0, window_ends_ms: 0 } }), "window");
  assert.equal(reason({ budget: { remaining: 3, window_ends_ms: 4_000 } }), "window");
  assert.equal(reason({ customer: { remark: "", subscribed: false } }), "left");
  assert.equal(reason({ state: "CLOSED" }), "closed");
  assert.equal(reason({ customer: { remark: "", subscribed: null } }), "");
});

test("my status follows the event that another tab caused", () => {
  assert.equal(run(signedIn, { type: "presence.changed", kf_account: ME, status: "away" }).me.status, "away");
});

test("unread counts my open conversations only", () => {
  const state = run(signedIn, updated(session("1", { unread: 2 })), updated(session("2", { unread: 4, state: "CLOSED" })));
  assert.equal(unreadTotal(state), 2);
});

test("unknown events change nothing", () => {
  assert.equal(reduce(signedIn, { type: "something.new" }), signedIn);
});
