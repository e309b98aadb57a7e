// Where a customer would go under the rules as they are being edited; nothing is kept.

import { post } from "../shared/api.js";
import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { agentName, groupName } from "../shared/names.js";
import { RoutingCard, Ruled } from "../shared/routing.js";
import { now, state } from "../shared/store.js";
import { refusalWords } from "./act.js";

const DAY_MS = 86_400_000;

export function TryRules({ routing }) {
  const [found, setFound] = useState(null);
  const [problem, setProblem] = useState("");

  async function ask(event) {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.currentTarget));
    setProblem("");
    try {
      setFound(await post("/admin/routing/preview", { routing, ...asked(fields) }));
    } catch (error) {
      setFound(null);
      setProblem(refusalWords(error));
    }
  }

  return html`<form class="panel" onSubmit=${ask}>
    <h2>${t("try.title")}</h2>
    <p class="dim">${t("try.hint")}</p>
    <div class="fields">
      <label>${t("try.openid")}<input name="openid" maxlength="128" autocapitalize="none" autocomplete="off" /></label>
      <label>${t("try.vip")}<input name="vip" type="number" /></label>
      <label>${t("try.days")}<input name="days" type="number" min="0" /></label>
      <label>${t("try.tags")}<input name="tags" maxlength="400" autocomplete="off" /></label>
      <label>${t("try.language")}<input name="language" maxlength="20" autocomplete="off" /></label>
      <label>${t("try.source")}<input name="source" maxlength="200" autocomplete="off" /></label>
      <label>${t("try.previous")}<select name="previous"><option value="">${t("try.asIs")}</option>
        ${Object.values(state.value.agents).map((one) => html`<option key=${one.kf_account} value=${one.kf_account}>${one.nickname}</option>`)}</select></label>
    </div>
    <footer class="buttons"><button class="primary">${t("try.ask")}</button></footer>
    <p class="problem" role="alert">${problem}</p>
    ${found && html`<${Answer} found=${found} />`}
  </form>`;
}

function Answer({ found }) {
  const values = { group: groupName(found.group), name: agentName(found.kf_account) };
  const key = !found.openid ? "try.goes" : found.kf_account ? "try.would" : "try.waits";
  return html`<div role="status">
    <p><strong>${t(key, values)}</strong></p>
    ${found.open_session && html`<p>${t("try.open")}</p>`}
    ${found.asks_first && html`<p>${t("try.asksFirst")}</p>`}
    ${found.greeting && html`<p>${t("try.greeting", { text: found.greeting })}</p>`}
    ${found.openid ? html`<${RoutingCard} card=${found.why} />` : html`<p><${Ruled} card=${found.why} /></p>`}
  </div>`;
}

// Empty fields say nothing: what is known of the customer counts.
function asked({ openid, vip, days, tags, language, source, previous }) {
  const facts = {};
  if (vip) facts.vip_level = Number(vip);
  if (days) facts.last_purchase_ms = now.value - Number(days) * DAY_MS;
  if (tags.trim()) facts.tags = tags.split(/[\s,\u3001\uff0c]+/).filter(Boolean);
  if (language.trim()) facts.language = language.trim();
  const wanted = { openid: openid.trim(), source: source.trim(), previous_agent: previous };
  return { facts, ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)) };
}
