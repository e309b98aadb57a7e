// Taking data out, and removing one customer for good.

import { post, urlOf, withQuery } from "../shared/api.js";
import { dayStart, nextDay } from "../shared/days.js";
import { Confirm } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { language, t } from "../shared/words.js";
import { state } from "../shared/store.js";
import { Said, useAct } from "./act.js";

const BASE = "/admin/export";

export function Data() {
  return html`
    <header class="section-head"><h1>${t("console.data")}</h1></header>
    <${Export} />
    ${state.value.me.person.role === "admin" && html`<${Erase} />`}`;
}

function Export() {
  const [chosen, setChosen] = useState({ since: "", until: "", kf_account: "", group: "" });
  const set = (event) => setChosen({ ...chosen, [event.currentTarget.name]: event.currentTarget.value });
  const query = {
    since_ms: dayStart(chosen.since), until_ms: nextDay(chosen.until),
    kf_account: chosen.kf_account, group: chosen.group, lang: language.value,
  };
  return html`<section class="panel">
    <h2>${t("export.title")}</h2>
    <p class="dim">${t("export.hint")}</p>
    <div class="fields">
      <label>${t("audit.since")}<input type="date" name="since" value=${chosen.since} onChange=${set} /></label>
      <label>${t("audit.until")}<input type="date" name="until" value=${chosen.until} min=${chosen.since} onChange=${set} /></label>
      <label>${t("over.agents")}<select name="kf_account" onChange=${set}><option value="">${t("audit.all")}</option>
        ${Object.values(state.value.agents).map((one) => html`<option key=${one.kf_account} value=${one.kf_account}>${one.nickname}</option>`)}</select></label>
      <label>${t("col.group")}<select name="group" onChange=${set}><option value="">${t("audit.all")}</option>
        ${state.value.groups.map((one) => html`<option key=${one.name} value=${one.name}>${one.title}</option>`)}</select></label>
    </div>
    <footer class="buttons">${["conversations", "messages"].map((what) => html`
      <a key=${what} class="button" href=${urlOf(withQuery(`${BASE}/${what}`, query))} download>${t(`export.${what}`)}</a>`)}</footer>
  </section>`;
}

function Erase() {
  const act = useAct();
  const [asked, setAsked] = useState(null);
  const [done, setDone] = useState(null);

  function submit(event) {
    event.preventDefault();
    const { openid, reason } = Object.fromEntries(new FormData(event.currentTarget));
    setAsked({ openid: openid.trim(), reason: reason.trim() });
  }
  async function erase() {
    const answer = await act.run(() => post(`/admin/customers/${encodeURIComponent(asked.openid)}/erase`, { reason: asked.reason }), t("erase.done"));
    setDone(answer ?? null);
  }

  return html`<form class="panel" onSubmit=${submit}>
    <h2>${t("erase.title")}</h2>
    <p class="dim">${t("erase.hint")}</p>
    <div class="fields">
      <label>${t("ring.openid")}<input name="openid" required maxlength="128" autocapitalize="none" autocomplete="off" /></label>
      <label>${t("erase.reason")}<input name="reason" required maxlength="200" autocomplete="off" /></label>
    </div>
    <footer class="buttons"><${Said} said=${act.said} /><button class="danger" disabled=${act.busy}>${t("erase.go")}</button></footer>
    ${done && html`<ul class="removed" role="status">
      <li>${t("erase.conversations", { n: done.sql.sessions_archive ?? 0 })}</li>
      <li>${t("erase.messages", { n: done.sql.messages_archive ?? 0 })}</li>
      <li>${t("erase.media", { n: done.sql.media ?? 0 })}</li>
      <li>${t("erase.notes", { n: done.sql.customer_notes ?? 0 })}</li>
      <li>${t("erase.live", { n: sum(done.redis) })}</li>
      <li>${t("erase.pseudonym", { name: done.pseudonym })}</li>
    </ul>`}
    ${asked && html`<${Confirm} title=${t("erase.title")} text=${t("erase.ask", { openid: asked.openid })} yes=${t("erase.go")}
      onYes=${erase} onClose=${() => setAsked(null)} />`}
  </form>`;
}

const sum = (counts) => Object.values(counts).reduce((total, n) => total + n, 0);
