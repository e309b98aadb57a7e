// One conversation in a list.

import { html } from "../shared/kit.js";
import { lasted, left, momentOf } from "../shared/time.js";
import { t } from "../shared/words.js";
import { take } from "./actions.js";
import { go } from "./address.js";
import { Avatar } from "./avatar.js";
import { preview } from "../shared/content.js";
import { customerName, groupName } from "../shared/names.js";
import { asksMe, waitedMs } from "./selectors.js";
import { now, selectedId, state } from "../shared/store.js";

const SOON_MS = 2 * 3600 * 1000;

export function Row({ session, list }) {
  const name = customerName(session);
  const open = selectedId.value === session.id;
  return html`
    <li class="row" data-open=${open}>
      <button type="button" class="row-open" aria-current=${open} onClick=${() => go(session.id)}>
        <${Avatar} openid=${session.openid} remark=${session.customer.remark} />
        <span class="row-text">
          <span class="row-line">
            <strong class="row-name">${name}</strong>
            <${Moment} session=${session} />
          </span>
          <span class="row-line">
            <span class="row-preview">${preview(session.last_message)}</span>
            ${session.unread > 0 && html`<span class="badge" aria-label=${t("list.unread", { n: session.unread })}>${badge(session.unread)}</span>`}
          </span>
          <span class="row-line row-facts"><${Facts} session=${session} list=${list} /></span>
        </span>
      </button>
      ${list === "waiting" && html`<button type="button" class="primary small" onClick=${() => take(session)}>${t("list.take")}</button>`}
    </li>`;
}

function Facts({ session, list }) {
  const asked = asksMe(state.value, session);
  return html`
    ${asked ? html`<span class="chip warm">${t("list.asksYou")}</span>` : ""}
    ${list === "mine" && !asked && session.state === "TRANSFERING" ? html`<span class="chip warm">${t("state.TRANSFERING")}</span>` : ""}
    ${list === "waiting" && session.queue_position ? html`<span class="chip">${t("list.position", { n: session.queue_position })}</span>` : ""}
    ${list !== "closed" && session.priority > 0 ? html`<span class="chip warm">${t("list.priority", { n: session.priority })}</span>` : ""}
    <span class="chip">${groupName(session.group)}</span>
    ${list !== "closed" && html`<${Replies} budget=${session.budget} />`}`;
}

// What WeChat still allows, and until when; in amber when it is about to end.
function Replies({ budget: { remaining, window_ends_ms: ends } }) {
  const over = ends - now.value;
  if (over <= 0) return "";
  const values = { n: remaining, time: left(over) };
  return html`<span class=${remaining <= 1 || over < SOON_MS ? "chip warm" : "chip"} title=${t("list.budgetLabel", values)}>${t("list.budget", values)}</span>`;
}

function Moment({ session }) {
  const waited = waitedMs(session, now.value);
  if (waited) return html`<span class="waited">${t("list.waited", { time: lasted(waited) })}</span>`;
  const at = session.closed_ms || session.last_message?.created_ms || session.created_ms;
  return html`<time class="dim">${momentOf(at, now.value)}</time>`;
}

function badge(unread) {
  return unread > 99 ? "99+" : unread;
}
