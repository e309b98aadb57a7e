// What every view is made with: elements, hooks, signals. Values become text nodes, never markup.

import htm from "../vendor/htm.js";
import { h, render } from "../vendor/preact.js";

export { render };
export { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
export { batch, computed, effect, signal } from "../vendor/signals.js";

export const html = htm.bind(h);
