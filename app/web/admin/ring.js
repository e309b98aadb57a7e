// The ring as it is now, who would serve a customer and why, and what a change of agents would move.

import { get, withQuery } from "../shared/api.js";
import { html, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { t } from "../shared/words.js";
import { agentName, groupName } from "../shared/names.js";
import { RoutingCard } from "../shared/routing.js";
import { state } from "../shared/store.js";
import { useFetched } from "./fetched.js";
import { RingPreview } from "./ring_preview.js";
import { Circle, percent } from "./ring_svg.js";
import { Loading, Table } from "./table.js";

const EVERY_MS = 5_000;

export function Ring() {
  const [group, setGroup] = useState("");
  const { data, problem } = useFetched(withQuery("/admin/ring", { group }), EVERY_MS, true);
  const [decision, setDecision] = useState(null);
  return html`
    <header class="section-head"><h1>${t("console.ring")}</h1>
      <label class="inline">${t("col.group")} <select onChange=${(event) => setGroup(event.currentTarget.value)}>
        <option value="">${t("group.default")}</option>
        ${state.value.groups.map((one) => html`<option key=${one.name} value=${one.name}>${one.title}</option>`)}</select></label>
    </header>
    <${Loading} data=${data} problem=${problem} />
    ${data && html`<div class="ring-view">
      <${Circle} agents=${data.agents} chosen=${decision?.owner ?? decision?.kf_account} />
      <div class="stack">
        <h2>${t("ring.agents", { group: groupName(data.group) })}</h2>
        <${Table} rows=${data.agents} empty=${t("ring.nobody")} columns=${[
          ["col.name", (one) => html`<span class="swatch" data-colour=${data.agents.indexOf(one) % 6}></span> ${agentName(one.kf_account)}`],
          ["col.share", (one) => percent(one.share)],
          ["col.load", (one) => `${one.load} / ${one.weight}`],
        ]} />
      </div>
    </div>`}
    <${Question} group=${group} decision=${decision} onDecision=${setDecision} />
    ${data && html`<${RingPreview} key=${data.group} group=${data.group} agents=${data.agents} />`}`;
}

function Question({ group, decision, onDecision }) {
  const [problem, setProblem] = useState("");

  async function ask(event) {
    event.preventDefault();
    const openid = new FormData(event.currentTarget).get("openid").trim();
    setProblem("");
    try {
      onDecision((await get(withQuery("/admin/ring", { openid, group }))).decision);
    } catch (error) {
      onDecision(null);
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
        <p><strong>${answer(decision)}</strong></p>
        <${RoutingCard} card=${decision.why} />
      </div>`}
    </form>`;
}

function answer(decision) {
  const { open_session, owner, kf_account } = decision;
  if (open_session) return owner ? t("ring.served", { name: agentName(owner) }) : t("ring.inQueue");
  return kf_account ? t("ring.would", { name: agentName(kf_account) }) : t("ring.wait");
}
