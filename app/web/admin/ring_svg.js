// The ring drawn: each agent's arc is their part of the customers, the dark part of it is their load.

import { html } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { agentName } from "../shared/names.js";

const SIZE = 260;
const MIDDLE = SIZE / 2;
const OUTER = 112;
const LOADED = 86;
const COLOURS = 6;
const GAP = 0.008;
const NAME_CHARS = 5;
const NAMED_SHARE = 0.05;

const format = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
export const percent = (share) => format.format(share);

export function Circle({ agents, chosen }) {
  let from = 0;
  const arcs = agents.map((agent, at) => {
    const arc = { agent, from, to: from + agent.share, colour: at % COLOURS };
    from = arc.to;
    return arc;
  });
  const load = agents.reduce((sum, one) => sum + one.load, 0);
  const seats = agents.reduce((sum, one) => sum + one.weight, 0);
  return html`<svg class="circle" viewBox=${`0 0 ${SIZE} ${SIZE}`} role="img" aria-label=${t("ring.picture")}>
    <circle class="track" cx=${MIDDLE} cy=${MIDDLE} r=${OUTER}></circle>
    ${arcs.map((one) => html`<${Arc} key=${one.agent.kf_account} ...${one} chosen=${one.agent.kf_account === chosen} />`)}
    <text class="sum" x=${MIDDLE} y=${MIDDLE - 4}>${load} / ${seats}</text>
    <text class="under" x=${MIDDLE} y=${MIDDLE + 18}>${t("col.load")}</text>
  </svg>`;
}

function Arc({ agent, from, to, colour, chosen }) {
  const name = agentName(agent.kf_account);
  const full = Math.min(1, agent.load / Math.max(1, agent.weight));
  const [x, y] = point((from + to) / 2, OUTER);
  const label = [...name].slice(0, NAME_CHARS).join("");
  return html`<g class="arc" data-colour=${colour} data-chosen=${chosen}>
    <title>${name} · ${percent(agent.share)} · ${agent.load} / ${agent.weight}</title>
    <path class="share" d=${curve(from, to, OUTER)}></path>
    ${full > 0 && html`<path class="load" d=${curve(from, from + (to - from) * full, LOADED)}></path>`}
    ${agent.share >= NAMED_SHARE && html`<text x=${x} y=${y + 4}>${label}</text>`}
  </g>`;
}

// An arc between two parts of the whole turn, from the top clockwise.
function curve(from, to, radius) {
  const end = Math.min(to - GAP / 2, from + 0.9999);
  const [x1, y1] = point(from + GAP / 2, radius);
  const [x2, y2] = point(Math.max(end, from + GAP), radius);
  return `M ${x1} ${y1} A ${radius} ${radius} 0 ${end - from > 0.5 ? 1 : 0} 1 ${x2} ${y2}`;
}

function point(turn, radius) {
  const angle = 2 * Math.PI * turn - Math.PI / 2;
  return [MIDDLE + radius * Math.cos(angle), MIDDLE + radius * Math.sin(angle)].map((n) => Number(n.toFixed(2)));
}
