// Messages that customers did not get, or may not have got; each can be sent once more.

import { post } from "../shared/api.js";
import { Confirm } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { platformWords, problemWords } from "../shared/problems.js";
import { momentOf } from "../shared/time.js";
import { t } from "../shared/words.js";
import { preview } from "../shared/content.js";
import { agentName } from "../shared/names.js";
import { now, trouble } from "../shared/store.js";
import { useFetched } from "./fetched.js";
import { Table } from "./table.js";

const EVERY_MS = 5_000;
const TAIL = 4;

export function DeadLetters() {
  const { data, problem, refresh } = useFetched("/admin/dead-letters?limit=100", EVERY_MS);
  const [asked, setAsked] = useState(null);

  async function retry(letter) {
    trouble.value = "";
    await post(`/admin/dead-letters/${letter.id}/retry`).catch((error) => (trouble.value = problemWords(error)));
    refresh();
  }

  const isDoubtful = (letter) => letter.message.status === "unknown";
  return html`
    <header class="section-head"><h1>${t("console.dead")}</h1></header>
    <p class="dim">${t("dead.hint")}</p>
    ${!data && html`<p>${problem || t("app.loading")}</p>`}
    ${data && html`<${Table} rows=${data} empty=${t("dead.empty")} columns=${[
      ["dead.at", (one) => momentOf(one.message.created_ms, now.value)],
      ["dead.customer", (one) => t("customer.name", { tail: one.openid.slice(-TAIL) })],
      ["over.agents", (one) => agentName(one.message.kf_account)],
      ["dead.message", (one) => preview(one.message)],
      ["dead.reason", (one) => (isDoubtful(one) ? t("status.unknown") : platformWords(one.message.error))],
      ["col.actions", (one) => one.can_retry
        ? html`<button type="button" class="small" onClick=${() => (isDoubtful(one) ? setAsked(one) : retry(one))}>
          ${t(isDoubtful(one) ? "status.resendAsk" : "status.resend")}</button>`
        : html`<span class="dim">${t("dead.tooLate")}</span>`],
    ]} />`}
    ${asked && html`<${Confirm} title=${t("status.resendAsk")} text=${t("status.resendWarn")} yes=${t("status.resend")}
      onYes=${() => retry(asked)} onClose=${() => setAsked(null)} />`}`;
}
