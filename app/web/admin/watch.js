// A supervisor looks on: open conversations, and one of them with its messages, leaving no read mark.

import { html, useState } from "../shared/kit.js";
import { lasted, momentOf } from "../shared/time.js";
import { t } from "../shared/words.js";
import { preview } from "../shared/content.js";
import { agentName, customerName, groupName } from "../shared/names.js";
import { now, state } from "../shared/store.js";
import { useFetched } from "./fetched.js";
import { Loading } from "./table.js";
import { Watched } from "./watched.js";

const EVERY_MS = 5_000;
const STATES = ["", "WAITING", "SERVING", "TRANSFERING", "CLOSED"];

export function Watch({ rest }) {
  const [wanted, setWanted] = useState({ state: "", group: "", kf_account: "" });
  const path = `/sessions?limit=200${wanted.state && `&state=${wanted.state}`}${wanted.group && `&group=${wanted.group}`}`;
  const { data, problem } = useFetched(path, EVERY_MS, true);
  const rows = data?.filter((one) => !wanted.kf_account || one.kf_account === wanted.kf_account);
  const set = (event) => setWanted({ ...wanted, [event.currentTarget.name]: event.currentTarget.value });
  return html`
    <header class="section-head"><h1>${t("console.live")}</h1></header>
    <div class="fields narrow">
      <label>${t("watch.state")}<select name="state" onChange=${set}>${STATES.map((one) => html`
        <option key=${one} value=${one}>${one ? t(`state.${one}`) : t("watch.open")}</option>`)}</select></label>
      <label>${t("over.agents")}<select name="kf_account" onChange=${set}><option value="">${t("audit.all")}</option>
        ${Object.values(state.value.agents).map((one) => html`<option key=${one.kf_account} value=${one.kf_account}>${one.nickname}</option>`)}</select></label>
      <label>${t("col.group")}<select name="group" onChange=${set}><option value="">${t("audit.all")}</option>
        ${state.value.groups.map((one) => html`<option key=${one.name} value=${one.name}>${one.title}</option>`)}</select></label>
    </div>
    <${Loading} data=${data} problem=${problem} />
    <div class="watch" data-open=${Boolean(rest)}>
      ${rows && (rows.length ? html`<ul class="watch-list">${rows.map((one) => html`<${Row} key=${one.id} session=${one} open=${one.id === rest} />`)}</ul>`
        : html`<p class="empty">${t("watch.none")}</p>`)}
      ${rest ? html`<${Watched} key=${rest} id=${rest} />` : html`<p class="empty watch-hint">${t("watch.choose")}</p>`}
    </div>`;
}

function Row({ session, open }) {
  const since = session.waiting_since_ms;
  return html`<li data-open=${open}><a href=${`#live/${session.id}`} aria-current=${open && "true"}>
    <span class="row-line"><strong>${customerName(session)}</strong>
      <span class=${since ? "waited" : "dim"}>${since ? lasted(now.value - since) : momentOf(session.last_active_ms ?? session.created_ms, now.value)}</span></span>
    <span class="row-line dim"><span class="row-preview">${preview(session.last_message)}</span></span>
    <span class="row-line"><span class="chip">${t(`state.${session.state}`)}</span>
      <span class="dim">${agentName(session.kf_account) || groupName(session.group)}</span></span>
  </a></li>`;
}
