import assert from "node:assert/strict";
import { test } from "node:test";

import { DRAWN_MAX, newer, newest, older, rowsShown, STEP, trimmed } from "../../app/web/desk/window.js";

test("of 500 rows only those on screen and a few around them are drawn", () => {
  assert.deepEqual(rowsShown({ scrollTop: 0, height: 840, rowHeight: 84, count: 500 }), { first: 0, end: 16 });
  const middle = rowsShown({ scrollTop: 8400, height: 840, rowHeight: 84, count: 500 });
  assert.ok(middle.first < 100 && middle.end > 110 && middle.end - middle.first < 30);
  assert.deepEqual(rowsShown({ scrollTop: 9000, height: 840, rowHeight: 84, count: 3 }), { first: 3, end: 3 });
});

test("10,000 messages begin with the newest and never draw more than the most", () => {
  let part = newest(10_000);
  assert.deepEqual(part, { first: 10_000 - STEP, end: null });
  for (let step = 0; step < 400; step += 1) {
    part = older(part, 10_000);
    assert.ok((part.end ?? 10_000) - part.first <= DRAWN_MAX);
  }
  assert.equal(part.first, 0);
  for (let step = 0; step < 400; step += 1) part = newer(part, 10_000);
  assert.equal(part.end, null);
});

test("what has grown too long while reading the newest loses its oldest part", () => {
  assert.deepEqual(trimmed({ first: 0, end: null }, 300), { first: 300 - STEP, end: null });
  assert.deepEqual(trimmed({ first: 0, end: 100 }, 300), { first: 0, end: 100 });
});
