import assert from "node:assert/strict";
import { test } from "node:test";

import { PROVEN_MS, QUIET_MOST_MS, QUIET_MS, TRUSTED, asked, doubted, heard, isQuiet, opened } from "../../app/web/desk/trust.js";

const BEAT_MS = 10_000;
const WATCH_MS = 5_000;

test("a missing beat is noticed within 25 s of the last one, and one late beat is no verdict", () => {
  const trust = heard(asked(TRUSTED, 0), 0);
  assert.ok(QUIET_MS + WATCH_MS < 25_000);
  assert.ok(!isQuiet(trust, BEAT_MS + 7_000));
  assert.ok(isQuiet(trust, QUIET_MS + 1));
});

test("a stream that was asked for and never opened is quiet as well", () => {
  assert.ok(isQuiet(asked(TRUSTED, 1_000), 1_001 + QUIET_MS));
});

test("the greeting alone does not bring trust back, a later beat does", () => {
  let trust = opened(asked(doubted(TRUSTED), 0), 100);
  trust = heard(trust, 150);
  assert.equal(trust.trusted, false);
  trust = heard(trust, 100 + PROVEN_MS);
  assert.equal(trust.trusted, true);
  assert.equal(trust.quietMs, QUIET_MS);
});

test("the stream is opened again less and less often while it is swallowed", () => {
  const waits = [];
  for (let trust = doubted(TRUSTED); waits.length < 6; trust = doubted(trust)) waits.push(trust.quietMs);
  assert.deepEqual(waits.slice(0, 3), [QUIET_MS, 2 * QUIET_MS, 4 * QUIET_MS]);
  assert.equal(waits.at(-1), QUIET_MOST_MS);
});
