// Who would serve a customer now and why, and how the ring shares the customers out.

import { get } from "../shared/api.js";
import { html, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { t } from "../shared/words.js";
import { agentName, groupName } from "../desk/names.js";
import { RoutingCard } from "../desk/routing.js";
import { useFetched } from "./fetched.js";
import { Table } from "./table.js";

const EVERY_MS = 5_000;
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

export function Ring() {
  const { data, problem } = useFetched("/admin/ring", EVERY_MS);
  return html`
    <header class="section-head"><h1>${t("console.ring")}</h1></header>
    <${Question} />
    ${!data && html`<p>${problem || t("app.loading")}</p>`}
    ${data && html`<h2>${t("ring.agents", { group: groupName(data.group) })}</h2>
      <${Table} rows=${data.agents} empty=${t("ring.nobody")} columns=${[
        ["col.name", (one) => agentName(one.kf_account)],
        ["col.share", (one) => html`<span class="load"><meter min="0" max="1" value=${one.share}></meter> ${percent.format(one.share)}</span>`],
        ["col.load", (one) => `${one.load} / ${one.weight}`],
      ]} />`}`;
}

function Question() {
  const [decision, setDecision] = useState(null);
  const [problem, setProblem] = useState("");

  async function ask(event) {
    event.preventDefault();
    const openid = new FormData(event.currentTarget).get("openid").trim();
    setProblem("");
    try {
      setDecision((await get(`/admin/ring?${new URLSearchParams({ openid })}`)).decision);
    } catch (error) {
      setDecision(null);
      setProblem(problemWords(error));
    }
  }

  return html`
    <form class="panel" onSubmit=${ask}>
      <h2>${t("ring.title")}</h2>
      <div class="ask">
        <label>${t("ring.openid")}<input name="openid" required maxlength="128" autocapitalize="none" autocomplete="off" /></label>
        <button class="primary">${t("ring.ask")}</button>
      </div>
      <p class="problem" role="alert">${problem}</p>
      ${decision && html`<div role="status">
        ${decision.open_session && html`<p><strong>${decision.owner ? t("ring.served", { name: agentName(decision.owner) }) : t("ring.inQueue")}</strong></p>`}
        ${!decision.open_session && html`<p><strong>${decision.kf_account ? t("ring.would", { name: agentName(decision.kf_account) }) : t("ring.wait")}</strong></p>`}
        <${RoutingCard} card=${decision.why} />
      </div>`}
    </form>`;
}
