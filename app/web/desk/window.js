// Which part of a long list is drawn. Pure.

// Rows of one height: [first, end) around what is on screen, with some more on either side.
export function rowsShown({ scrollTop, height, rowHeight, count, spare = 6 }) {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare);
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare);
  return { first: Math.min(first, end), end };
}

// Messages differ in height: a window that moves by steps; `end` null = it stays with the newest.
export const STEP = 60;
export const DRAWN_MAX = 180;

export function newest(count) {
  return { first: Math.max(0, count - STEP), end: null };
}

export function older({ first, end }, count) {
  const from = Math.max(0, first - STEP);
  const to = Math.min(end ?? count, from + DRAWN_MAX);
  return { first: from, end: to === count ? null : to };
}

export function newer({ first, end }, count) {
  if (end === null) return { first, end };
  const to = Math.min(count, end + STEP);
  return { first: Math.max(first, to - DRAWN_MAX), end: to === count ? null : to };
}

// While it stays with the newest, what has grown too long loses its oldest part.
export function trimmed({ first, end }, count) {
  return end === null && count - first > DRAWN_MAX ? { first: count - STEP, end } : { first, end };
}
