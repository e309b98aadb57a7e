// Small drawings: characters look different on every machine, or are missing.

import { html } from "./kit.js";

const PATHS = {
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 14.5c1.8 2.4 5.2 2.4 7 0M9 9.5v.5M15 9.5v.5",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 8.5v.5",
  voice: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3M6 11a6 6 0 0 0 12 0M12 17v4",
  canned: "M13 3L5 14h6l-1 7 8-11h-6z",
  more: "M12 5v14M5 12h14",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
  off: "M4 4l16 16",
};

export function icon(...names) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${names.map((name) => html`<path key=${name} d=${PATHS[name]} />`)}</svg>`;
}
