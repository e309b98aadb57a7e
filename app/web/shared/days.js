// Days of the calendar in Beijing as moments; "" where nothing was chosen. Beijing knows no summer time. Pure.

const DAY_MS = 86_400_000;
const AHEAD_MS = 8 * 3_600_000;
const OFFSET = "+08:00";

export function dayStart(day) {
  return day ? Date.parse(`${day}T00:00:00${OFFSET}`) : "";
}

export function nextDay(day) {
  return day ? dayStart(day) + DAY_MS : "";
}

// The midnight before a moment.
export function midnight(ms) {
  return Math.floor((ms + AHEAD_MS) / DAY_MS) * DAY_MS - AHEAD_MS;
}
