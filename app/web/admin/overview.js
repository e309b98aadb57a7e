// How everything stands now, and how the last hours went.

import { html, useState } from "../shared/kit.js";
import { clockTime, lasted, momentOf } from "../shared/time.js";
import { language, t } from "../shared/words.js";
import { customerName, groupName } from "../shared/names.js";
import { now } from "../shared/store.js";
import { Charts } from "./charts.js";
import { useFetched } from "./fetched.js";
import { Loading, Table } from "./table.js";

const EVERY_MS = 3_000;
const SERIES_MS = 10_000;
const SPANS = [60, 360, 1_440];

export function Overview() {
  const { data, problem } = useFetched("/admin/overview", EVERY_MS, true);
  const [minutes, setMinutes] = useState(SPANS[0]);
  const series = useFetched(`/admin/series?minutes=${minutes}`, SERIES_MS).data;
  if (!data) return html`<${Loading} data=${data} problem=${problem} />`;
  const online = data.agents.filter((one) => one.serving).length;
  return html`
    <header class="section-head">
      <h1>${t("console.overview")}</h1>
      <span class=${problem ? "bad" : "dim"} role="status">
        ${problem ? t("console.stale") : t("console.updated", { time: clockTime(data.now_ms) })}
      </span>
    </header>
    ${data.health.settings_differ.length > 0 && html`<p class="problem" role="status">
      ${t("over.settingsDiffer", { names: data.health.settings_differ.join(t("app.comma")) })}</p>`}
    <dl class="figures">
      <${Figure} name="waiting" value=${data.waiting} warn=${data.waiting > 0} />
      <${Figure} name="serving" value=${data.serving} />
      <${Figure} name="online" value=${online} warn=${online === 0} />
      <${Figure} name="oldest" value=${data.oldest_wait_ms ? lasted(data.oldest_wait_ms) : t("over.nobody")} />
      <${Figure} name="missed" value=${count(data.missed)} warn=${data.missed.count > 0} />
      <${Figure} name="unanswered" value=${count(data.idle_unanswered)} warn=${data.idle_unanswered.count > 0} />
      <${Figure} name="dead" value=${data.dead_letters} warn=${data.dead_letters > 0} />
    </dl>
    <div class="switch" role="group" aria-label=${t("over.span")}>${SPANS.map((span) => html`
      <button type="button" key=${span} class="small" aria-pressed=${span === minutes} onClick=${() => setMinutes(span)}>
        ${t("time.hours", { n: span / 60 })}</button>`)}</div>
    ${series && html`<${Charts} key=${`${minutes} ${language.value}`} series=${series} />
      <h2>${t("over.errors")}</h2>
      <${Table} rows=${series.errors.map((one) => ({ id: one.errcode, ...one }))} empty=${t("over.noErrors")} columns=${[
        ["col.reason", (one) => one[`reason_${language.value}`]],
        ["col.code", (one) => one.errcode],
        ["col.count", (one) => one.count],
      ]} />`}
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
    ]} />
    <${Lost} name="missed" lost=${data.missed} />
    <${Lost} name="unanswered" lost=${data.idle_unanswered} />`;
}

function Lost({ name, lost }) {
  if (!lost.count) return "";
  return html`<h2>${t(`over.${name}`)}</h2>
    <${Table} name=${t(`over.${name}`)} rows=${lost.sessions} columns=${[
      ["dead.customer", (one) => html`<a href=${`#live/${one.id}`}>${customerName(one)}</a>`],
      ["col.group", (one) => groupName(one.group)],
      ["col.began", (one) => momentOf(one.created_ms, now.value)],
      ["col.ended", (one) => momentOf(one.closed_ms, now.value)],
    ]} />`;
}

function Figure({ name, value, warn }) {
  return html`<div class="figure" data-warn=${Boolean(warn)}><dt>${t(`over.${name}`)}</dt><dd>${value}</dd></div>`;
}

function count({ count: found, more }) {
  return more ? `${found}+` : found;
}

// Status and presence: an agent needs both to be given customers.
export function Status({ agent }) {
  const absent = agent.status !== "offline" && !agent.present;
  const tone = agent.status === "online" && agent.present ? "chip good" : "chip";
  return html`<span class=${absent ? "chip warm" : tone}>
    ${t(`presence.${agent.status}`)}${absent && ` · ${t("account.absent")}`}
  </span>`;
}

export function Load({ agent }) {
  return html`<span class="load"><meter min="0" max=${Math.max(1, agent.max_sessions)} value=${agent.load}
    aria-label=${t("col.load")}></meter>
    ${agent.load} / ${agent.max_sessions}</span>`;
}
