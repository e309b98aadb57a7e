// Times as people read them: 24-hour Beijing time, and how long something has lasted.

import { t } from "./words.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const ZONE = "Asia/Shanghai";

const clock = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE });

export function clockTime(ms) {
  return clock.format(ms);
}

// 09:41 today, 11-20 09:41 before.
export function momentOf(ms, nowMs) {
  const date = day.format(ms);
  return date === day.format(nowMs) ? clock.format(ms) : `${date.slice(5)} ${clock.format(ms)}`;
}

// 0:05, 12:30, then hours and days in words.
export function lasted(ms) {
  const spent = Math.max(0, ms);
  if (spent >= DAY_MS) return t("time.days", { n: Math.floor(spent / DAY_MS) });
  if (spent >= HOUR_MS) return t("time.hours", { n: Math.floor(spent / HOUR_MS) });
  const seconds = Math.floor(spent / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// Time left, rounded so that it never promises more than there is.
export function left(ms) {
  if (ms >= HOUR_MS) return t("time.hours", { n: Math.floor(ms / HOUR_MS) });
  return t("time.minutes", { n: Math.max(1, Math.floor(ms / MINUTE_MS)) });
}

// 2026-11-20 09:41:07
export function fullTime(ms) {
  return `${day.format(ms)} ${exact.format(ms)}`;
}
