// The kf accounts: what they are here and at WeChat, and everything that can be done with one.

import { post } from "../shared/api.js";
import { Dialog } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { loadColleagues } from "../shared/sync.js";
import { groupName } from "../shared/names.js";
import { EditAccount } from "./account.js";
import { Said, useAct } from "./act.js";
import { useFetched } from "./fetched.js";
import { NewAccount } from "./new_account.js";
import { Load, Status } from "./overview.js";
import { Loading, Table } from "./table.js";

const EVERY_MS = 5_000;

export function Accounts() {
  const { data, problem, refresh } = useFetched("/admin/kf-accounts", EVERY_MS, true);
  const [edited, setEdited] = useState("");
  const [adding, setAdding] = useState(false);
  const act = useAct();
  const one = data?.find((row) => row.kf_account === edited);

  function changed() {
    refresh();
    loadColleagues();
  }

  async function sync() {
    await act.run(() => post("/admin/kf-accounts/sync", { fresh: true }), syncWords);
    changed();
  }

  return html`
    <header class="section-head">
      <h1>${t("console.accounts")}</h1>
      <div class="buttons">
        <button type="button" disabled=${act.busy} onClick=${sync}>${t("account.sync")}</button>
        <button type="button" class="primary" onClick=${() => setAdding(true)}>${t("account.new")}</button>
      </div>
    </header>
    <${Said} said=${act.said} />
    <${Loading} data=${data} problem=${problem} />
    ${data && html`<${Table} rows=${data} empty=${t("over.noAgents")} columns=${[
      ["col.name", (row) => row.nickname],
      ["col.account", (row) => row.kf_account],
      ["col.platform", (row) => html`<span title=${row.platform_note}>${t(`platform.${row.platform}`)}</span>`],
      ["col.status", (row) => (row.disabled ? html`<span class="chip warm">${t("account.disabled")}</span>` : html`<${Status} agent=${row} />`)],
      ["col.load", (row) => html`<${Load} agent=${row} />`],
      ["col.groups", (row) => row.groups.map(groupName).join(t("app.comma")) || t("group.default")],
      ["col.person", (row) => (row.username ? `${row.username} · ${t(`role.${row.role}`)}` : t("over.nobody"))],
      ["col.actions", (row) => html`<button type="button" class="small" aria-label=${`${t("account.edit")} ${row.nickname}`}
        onClick=${() => setEdited(row.kf_account)}>${t("account.edit")}</button>`],
    ]} />`}
    ${adding && html`<${Dialog} title=${t("account.new")} onClose=${() => setAdding(false)}><${NewAccount} onMade=${changed} /><//>`}
    ${one && html`<${EditAccount} key=${edited} account=${one} onChanged=${changed} onClose=${() => setEdited("")} />`}`;
}

function syncWords(done) {
  const { imported, changed, missing, registered, skipped } = done;
  const said = t("account.synced", {
    imported: imported.length, changed: changed.length, missing: missing.length, registered: registered.length,
  });
  return skipped.length ? `${said} ${t("account.skipped", { names: skipped.join(t("app.comma")) })}` : said;
}
