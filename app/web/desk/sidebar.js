// Who I am and my three lists.

import { html, signal } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { Presence } from "./presence.js";
import { Row } from "./row.js";
import { closedOnes, mine, unreadTotal, waiting } from "./selectors.js";
import { state } from "./store.js";

const LISTS = [
  { name: "mine", of: mine, empty: "list.emptyMine" },
  { name: "waiting", of: waiting, empty: "list.emptyWaiting" },
  { name: "closed", of: closedOnes, empty: "list.emptyClosed" },
];

export const shown = signal("mine");

export function Sidebar() {
  const list = LISTS.find((one) => one.name === shown.value);
  const sessions = list.of(state.value);
  return html`
    <aside class="sidebar">
      <${Presence} />
      <nav class="tabs" role="tablist" aria-label=${t("list.label")}>${LISTS.map((one) => html`<${Tab} list=${one} />`)}</nav>
      <ul class="rows" role="tabpanel" aria-label=${t(`list.${list.name}`)}>
        ${sessions.map((session) => html`<${Row} key=${session.id} session=${session} list=${list.name} />`)}
        ${!sessions.length && html`<li class="empty">${t(list.empty)}</li>`}
      </ul>
    </aside>`;
}

function Tab({ list }) {
  const count = list.name === "closed" ? 0 : list.of(state.value).length;
  const urgent = list.name === "mine" ? unreadTotal(state.value) > 0 : list.name === "waiting" && count > 0;
  return html`
    <button type="button" role="tab" aria-selected=${shown.value === list.name} onClick=${() => (shown.value = list.name)}>
      ${t(`list.${list.name}`)}
      ${count > 0 && html`<span class=${urgent ? "count urgent" : "count"}>${count}</span>`}
    </button>`;
}
