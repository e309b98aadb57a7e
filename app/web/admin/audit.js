// Who did what and when; narrowed by person, act and time, page by page.

import { call, withQuery } from "../shared/api.js";
import { dayStart, nextDay } from "../shared/days.js";
import { html, useEffect, useState } from "../shared/kit.js";
import { fullTime } from "../shared/time.js";
import { has, t } from "../shared/words.js";
import { Said, useAct } from "./act.js";
import { Table } from "./table.js";

const PAGE = 50;
const SYSTEM = "system";
const ACTS = [
  "session.takeover", "session.assign", "session.whisper", "session.close", "dead_letter.retry",
  "kf_account.create", "kf_account.update", "kf_account.remove", "kf_account.invite", "kf_account.sync",
  "kf_account.groups", "kf_account.avatar", "person.create", "person.update", "person.password",
  "group.create", "group.update", "group.remove", "group.members",
  "routing.update", "routing.restore", "transfer_rules.update", "note.update", "note.remove", "notice.update", "notice.reset",
  "export.conversations", "export.messages", "customer.erase", "integration.issue", "integration.revoke",
];

export function Audit() {
  const [filters, setFilters] = useState({});
  const [rows, setRows] = useState([]);
  const [cursor, setCursor] = useState("");
  const act = useAct();

  const load = (wanted, from) => act.run(async () => {
    const answer = await call("GET", withQuery(`/admin/audit?limit=${PAGE}`, { ...wanted, cursor: from }));
    setRows(from ? [...rows, ...answer.data] : answer.data);
    setCursor(answer.meta.next_cursor ?? "");
  });
  useEffect(() => {
    load(filters, "");
  }, [filters]);

  function submit(event) {
    event.preventDefault();
    const { who, act: kind, since, until } = Object.fromEntries(new FormData(event.currentTarget));
    setFilters({ who: who.trim(), act: kind, since_ms: dayStart(since), until_ms: nextDay(until) });
  }

  return html`
    <header class="section-head"><h1>${t("console.audit")}</h1></header>
    <form class="panel" onSubmit=${submit}><div class="fields">
      <label>${t("audit.who")}<input name="who" maxlength="128" autocapitalize="none" autocomplete="off" /></label>
      <label>${t("audit.act")}<select name="act"><option value="">${t("audit.all")}</option>
        ${ACTS.map((one) => html`<option key=${one} value=${one}>${actWords(one)}</option>`)}</select></label>
      <label>${t("audit.since")}<input type="date" name="since" /></label>
      <label>${t("audit.until")}<input type="date" name="until" /></label>
    </div><footer class="buttons"><button class="primary" disabled=${act.busy}>${t("audit.search")}</button></footer></form>
    <${Said} said=${act.said} />
    <${Table} rows=${rows} empty=${t("audit.empty")} columns=${[
      ["audit.at", (one) => fullTime(one.at_ms)],
      ["audit.who", (one) => (one.who === SYSTEM ? t("audit.system") : one.who)],
      ["audit.act", (one) => actWords(one.act)],
      ["audit.object", (one) => one.object],
      ["audit.detail", detail],
      ["audit.ip", (one) => one.ip],
    ]} />
    ${cursor && html`<div><button type="button" disabled=${act.busy} onClick=${() => load(filters, cursor)}>${t("audit.more")}</button></div>`}`;
}

function actWords(act) {
  const key = `act.${act}`;
  return has(key) ? t(key) : t("act.other");
}

// The reason in full; the rest as it was recorded, for whoever looks closer.
function detail(entry) {
  const { reason, ...rest } = entry.detail;
  const more = Object.keys(rest).length > 0;
  return html`<span class="detail">${reason && html`<span>${reason}</span>`}
    ${more && html`<details><summary>${t("audit.recorded")}</summary><pre>${JSON.stringify(rest, null, 1)}</pre></details>`}</span>`;
}
