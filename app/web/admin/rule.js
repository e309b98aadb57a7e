// One rule: what must hold, and where the customer goes then.

import { html } from "../shared/kit.js";
import { Typed } from "../shared/typed.js";
import { t } from "../shared/words.js";
import { agentName, groupName } from "../shared/names.js";
import { state } from "../shared/store.js";

// How each condition is written in its field, and read from it.
const LIST = { show: (value) => value.join(" "), read: (text) => text.split(/[\s,\u3001\uff0c]+/).filter(Boolean) };
const NUMBER = { type: "number", show: String, read: Number };
const TEXT = { show: String, read: (text) => text.trim() };
const AGENT = { show: String, read: String };
const HOURS = { show: (value) => value.join("-"), read: (text) => text.split("-").map(Number), pattern: "([01]?[0-9]|2[0-3])-([01]?[0-9]|2[0-4])" };
const KINDS = {
  vip_level_above: NUMBER,
  purchased_within_days: NUMBER,
  tags_any: LIST,
  source: TEXT,
  language: TEXT,
  previous_agent: AGENT,
  hours: HOURS,
};
const START = { vip_level_above: 3, purchased_within_days: 7, tags_any: [], source: "", language: "zh", hours: [9, 18] };

export function Rule({ rule, at, last, onChange, onMove, onRemove }) {
  const names = Object.keys(rule.when);
  const setWhen = (name, value) => onChange({ ...rule, when: { ...rule.when, [name]: value } });
  const drop = (name) => onChange({ ...rule, when: Object.fromEntries(Object.entries(rule.when).filter(([key]) => key !== name)) });
  const free = Object.keys(KINDS).filter((name) => !names.includes(name));

  function add(event) {
    const name = event.currentTarget.value;
    event.currentTarget.value = "";
    if (name) setWhen(name, START[name] ?? Object.keys(state.value.agents)[0] ?? "");
  }

  return html`<li class="panel">
    <header class="rule-head">
      <h2>${t("rules.nth", { n: at + 1 })}</h2>
      <button type="button" class="small" disabled=${at === 0} onClick=${() => onMove(-1)}>${t("rules.up")}</button>
      <button type="button" class="small" disabled=${last} onClick=${() => onMove(1)}>${t("rules.down")}</button>
      <button type="button" class="small danger" onClick=${onRemove}>${t("rules.remove")}</button>
    </header>
    <p class="dim">${names.length ? t("rules.if") : t("rules.everybody")}</p>
    ${names.map((name) => html`<${Condition} key=${name} name=${name} value=${rule.when[name]}
      onChange=${(value) => setWhen(name, value)} onRemove=${() => drop(name)} />`)}
    <div class="fields">
      <label>${t("rules.addCondition")}<select onChange=${add}><option value="">${t("rules.choose")}</option>
        ${free.map((name) => html`<option key=${name} value=${name}>${t(`when.${name}`)}</option>`)}</select></label>
      <label>${t("rules.group")}<select onChange=${(event) => onChange({ ...rule, group: event.currentTarget.value })}>
        ${state.value.groups.map((one) => html`<option key=${one.name} value=${one.name} selected=${one.name === rule.group}>${groupName(one.name)}</option>`)}</select></label>
      <label>${t("rules.priority")}<${Typed} type="number" min="0" max="100" required value=${rule.priority}
        onDone=${(text) => onChange({ ...rule, priority: Number(text) })} /></label>
    </div>
    <label>${t("rules.greeting")}<${Typed} tag="textarea" rows="2" maxlength="600" value=${rule.greeting} onDone=${(greeting) => onChange({ ...rule, greeting })} /></label>
  </li>`;
}

function Condition({ name, value, onChange, onRemove }) {
  const kind = KINDS[name];
  const label = t(`when.${name}`) || t("when.other");
  // A condition this page does not know stays as it is; it can only be removed.
  const simple = kind && Array.isArray(value) === (kind === LIST || kind === HOURS);
  const changed = (text) => onChange(kind.read(text));
  return html`<div class="ask">
    <label>${label}${!simple ? html`<input disabled value=${JSON.stringify(value)} />`
      : kind === AGENT ? html`<${AgentChoice} value=${value} onChange=${changed} />`
      : html`<${Typed} type=${kind.type ?? "text"} pattern=${kind.pattern} required value=${kind.show(value)} onDone=${changed} />`}</label>
    <button type="button" onClick=${onRemove}>${t("rules.dropCondition")}</button>
  </div>`;
}

// One who has left since stays in the list as long as they are chosen.
function AgentChoice({ value, onChange }) {
  const names = [...new Set([value, ...Object.keys(state.value.agents)])].filter(Boolean);
  return html`<select required onChange=${(event) => onChange(event.currentTarget.value)}>${names.map((name) => html`
    <option key=${name} value=${name} selected=${name === value}>${agentName(name)}</option>`)}</select>`;
}
