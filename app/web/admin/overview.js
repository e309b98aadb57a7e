// How everything stands now.

import { html } from "../shared/kit.js";
import { clockTime, lasted } from "../shared/time.js";
import { t } from "../shared/words.js";
import { useFetched } from "./fetched.js";
import { Table } from "./table.js";

const EVERY_MS = 3_000;

export function Overview() {
  const { data, problem } = useFetched("/admin/overview", EVERY_MS);
  if (!data) return html`<p>${problem || t("app.loading")}</p>`;
  const online = data.agents.filter((one) => one.serving).length;
  return html`
    <header class="section-head">
      <h1>${t("console.overview")}</h1>
      <span class=${problem ? "bad" : "dim"} role="status">
        ${problem ? t("console.stale") : t("console.updated", { time: clockTime(data.now_ms) })}
      </span>
    </header>
    <dl class="figures">
      <${Figure} name="waiting" value=${data.waiting} warn=${data.waiting > 0} />
      <${Figure} name="serving" value=${data.serving} />
      <${Figure} name="online" value=${online} warn=${online === 0} />
      <${Figure} name="oldest" value=${data.oldest_wait_ms ? lasted(data.oldest_wait_ms) : t("over.nobody")} />
      <${Figure} name="missed" value=${count(data.missed)} warn=${data.missed.count > 0} />
      <${Figure} name="unanswered" value=${count(data.idle_unanswered)} warn=${data.idle_unanswered.count > 0} />
      <${Figure} name="dead" value=${data.dead_letters} warn=${data.dead_letters > 0} />
    </dl>
    <h2>${t("over.agents")}</h2>
    <${Table} empty=${t("over.noAgents")} rows=${data.agents} columns=${[
      ["col.name", (one) => one.nickname],
      ["col.account", (one) => one.kf_account],
      ["col.status", (one) => html`<${Status} agent=${one} />`],
      ["col.load", (one) => html`<${Load} agent=${one} />`],
    ]} />
    <h2>${t("over.groups")}</h2>
    <${Table} rows=${data.groups} columns=${[
      ["col.group", (one) => one.title],
      ["col.online", (one) => one.online],
      ["col.waiting", (one) => one.waiting],
      ["col.oldest", (one) => (one.oldest_wait_ms ? lasted(one.oldest_wait_ms) : t("over.nobody"))],
    ]} />`;
}

function Figure({ name, value, warn }) {
  return html`<div class="figure" data-warn=${Boolean(warn)}><dt>${t(`over.${name}`)}</dt><dd>${value}</dd></div>`;
}

function count({ count: found, more }) {
  return more ? `${found}+` : found;
}

// What he wants to be, and whether anybody sees him: only both together bring him customers.
export function Status({ agent }) {
  const absent = agent.status !== "offline" && !agent.present;
  const tone = agent.status === "online" && agent.present ? "chip good" : "chip";
  return html`<span class=${absent ? "chip warm" : tone}>
    ${t(`presence.${agent.status}`)}${absent && ` · ${t("account.absent")}`}
  </span>`;
}

export function Load({ agent }) {
  return html`<span class="load"><meter min="0" max=${Math.max(1, agent.max_sessions)} value=${agent.load}></meter>
    ${agent.load} / ${agent.max_sessions}</span>`;
}
