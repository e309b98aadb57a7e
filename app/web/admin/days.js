// Days of the calendar in Beijing as moments; "" where nothing was chosen.

const DAY_MS = 86_400_000;
const OFFSET = "+08:00";

export function dayStart(day) {
  return day ? Date.parse(`${day}T00:00:00${OFFSET}`) : "";
}

export function nextDay(day) {
  return day ? dayStart(day) + DAY_MS : "";
}
