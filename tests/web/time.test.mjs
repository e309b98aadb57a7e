import assert from "node:assert/strict";
import { test } from "node:test";

import { midnight } from "../../app/web/shared/days.js";
import { clockTime, fullTime, lasted, left, momentOf } from "../../app/web/shared/time.js";

const at = (iso) => Date.parse(`${iso}+08:00`);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test("times are Beijing's by the 24-hour clock, wherever the browser is", () => {
  assert.equal(Intl.DateTimeFormat().resolvedOptions().timeZone, "America/New_York");
  assert.equal(clockTime(at("2026-11-20T23:05:00")), "23:05");
  assert.equal(clockTime(at("2026-11-20T00:05:00")), "00:05");
  assert.equal(fullTime(at("2026-11-20T09:41:07")), "2026-11-20 09:41:07");
});

test("another day's time carries its date", () => {
  const now = at("2026-11-20T00:30:00");
  assert.equal(momentOf(at("2026-11-20T00:10:00"), now), "00:10");
  assert.equal(momentOf(at("2026-11-19T23:59:00"), now), "11-19 23:59");
});

test("a day begins at Beijing's midnight", () => {
  assert.equal(midnight(at("2026-11-20T00:00:00")), at("2026-11-20T00:00:00"));
  assert.equal(midnight(at("2026-11-20T23:59:59")), at("2026-11-20T00:00:00"));
});

test("what is left is never more than there is", () => {
  assert.equal(left(31 * HOUR + 59 * MINUTE), "31 小时");
  assert.equal(left(59 * MINUTE + 59_000), "59 分钟");
  assert.equal(left(10_000), "1 分钟");
});

test("how long somebody waits is counted, later in hours and days", () => {
  assert.equal(lasted(65_000), "1:05");
  assert.equal(lasted(-5), "0:00");
  assert.equal(lasted(3 * HOUR), "3 小时");
  assert.equal(lasted(49 * HOUR), "2 天");
});
