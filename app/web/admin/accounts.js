// The kf accounts: what they are here and at WeChat; adding one, switching one off.

import { patch } from "../shared/api.js";
import { Confirm } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { t } from "../shared/words.js";
import { trouble } from "../desk/store.js";
import { useFetched } from "./fetched.js";
import { NewAccount } from "./new_account.js";
import { Load, Status } from "./overview.js";
import { Table } from "./table.js";

const EVERY_MS = 5_000;

export function Accounts() {
  const { data, problem, refresh } = useFetched("/admin/kf-accounts", EVERY_MS);
  const [asked, setAsked] = useState(null);

  async function setDisabled(account, disabled) {
    trouble.value = "";
    await patch(`/admin/kf-accounts/${account.kf_account}`, { disabled })
      .catch((error) => (trouble.value = problemWords(error)));
    refresh();
  }

  return html`
    <header class="section-head"><h1>${t("console.accounts")}</h1></header>
    ${!data && html`<p>${problem || t("app.loading")}</p>`}
    ${data && html`<${Table} rows=${data} empty=${t("over.noAgents")} columns=${[
      ["col.name", (one) => one.nickname],
      ["col.account", (one) => one.kf_account],
      ["col.platform", (one) => html`<span title=${one.platform_note}>${t(`platform.${one.platform}`)}</span>`],
      ["col.status", (one) => (one.disabled ? html`<span class="chip warm">${t("account.disabled")}</span>` : html`<${Status} agent=${one} />`)],
      ["col.load", (one) => html`<${Load} agent=${one} />`],
      ["col.actions", (one) => html`<button type="button" class="small"
        onClick=${() => (one.disabled ? setDisabled(one, false) : setAsked(one))}>
        ${t(one.disabled ? "account.enable" : "account.disable")}</button>`],
    ]} />`}
    <${NewAccount} onMade=${refresh} />
    ${asked && html`<${Confirm} title=${t("account.disable")} text=${t("account.disableAsk", { name: asked.nickname })}
      yes=${t("account.disable")} onYes=${() => setDisabled(asked, true)} onClose=${() => setAsked(null)} />`}`;
}
