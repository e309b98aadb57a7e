// Who I am and my three lists.

import { html, useLayoutEffect, useRef, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { LISTS, shown, shownList } from "./lists.js";
import { Presence } from "./presence.js";
import { Row } from "./row.js";
import { Results, SearchBox, words } from "./search.js";
import { unreadTotal } from "./selectors.js";
import { state } from "../shared/store.js";
import { rowsShown } from "./window.js";

const ROW_PX = 84;

export function Sidebar() {
  const list = shownList();
  const sessions = list.of(state.value);
  return html`
    <aside class="sidebar">
      <${Presence} />
      <${SearchBox} />
      ${words.value ? html`<${Results} />` : html`
      <nav class="tabs" role="tablist" aria-label=${t("list.label")}>${LISTS.map((one) => html`<${Tab} list=${one} />`)}</nav>
      <${Rows} list=${list} sessions=${sessions} />`}
    </aside>`;
}

// Only the rows on screen are drawn, and a few around them; all have one height.
function Rows({ list, sessions }) {
  const box = useRef(null);
  const [at, setAt] = useState({ scrollTop: 0, height: 900 });
  const measure = () => setAt({ scrollTop: box.current.scrollTop, height: box.current.clientHeight });
  useLayoutEffect(measure, [list.name]);
  const { first, end } = rowsShown({ ...at, rowHeight: ROW_PX, count: sessions.length });
  return html`
    <div class="rows" ref=${box} onScroll=${measure} role="tabpanel" aria-label=${t(`list.${list.name}`)}>
      <svg class="spacer" aria-hidden="true" height=${first * ROW_PX}></svg>
      <ul>
        ${sessions.slice(first, end).map((session) => html`<${Row} key=${session.id} session=${session} list=${list.name} />`)}
        ${!sessions.length && html`<li class="empty">${t(list.empty)}</li>`}
      </ul>
      <svg class="spacer" aria-hidden="true" height=${(sessions.length - end) * ROW_PX}></svg>
    </div>`;
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
