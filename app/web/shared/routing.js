// Why this agent: the record of the decision, in words.

import { get } from "./api.js";
import { Dialog } from "./dialog.js";
import { html, useEffect, useState } from "./kit.js";
import { problemWords } from "./problems.js";
import { has, t } from "./words.js";
import { agentName, groupName } from "./names.js";

export function Routing({ session, onClose }) {
  const [card, setCard] = useState(undefined);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    get(`/sessions/${session.id}/routing`).then(setCard, (error) =>
      error.code === "not_found" ? setCard(null) : setProblem(problemWords(error)));
  }, [session.id]);
  return html`
    <${Dialog} title=${t("routing.title")} onClose=${onClose}>
      ${problem && html`<p class="problem">${problem}</p>`}
      ${card === undefined && !problem && html`<p>${t("app.loading")}</p>`}
      ${card === null && html`<p>${t("routing.none")}</p>`}
      ${card && html`<${RoutingCard} card=${card} />`}
    <//>`;
}

export function RoutingCard({ card }) {
  const considered = card.candidates ?? [];
  const skipped = Object.fromEntries((card.skipped ?? []).map((one) => [one.kf_account, one.reason]));
  const names = new Set(considered.map((one) => one.kf_account));
  const others = (card.skipped ?? []).filter((one) => !names.has(one.kf_account));
  return html`
    <${Place} card=${card} />
    <p><strong>${card.chosen ? t("routing.chosen", { name: agentName(card.chosen) }) : t(card.result === "queue_full" ? "routing.full" : "routing.queued")}</strong></p>
    <p>${reasonWords(card.reason)}</p>
    ${card.before?.chosen && html`<p class="dim">${t("routing.before", { name: agentName(card.before.chosen) })}</p>`}
    <ul class="candidates">
      ${considered.map((one) => html`<li key=${one.kf_account} data-chosen=${one.kf_account === card.chosen}>
        ${t(one.cap === undefined ? "routing.idle" : "routing.candidate", { ...one, name: agentName(one.kf_account) })} <${Skipped} reason=${skipped[one.kf_account]} />
      </li>`)}
      ${others.map((one) => html`<li key=${one.kf_account}>${agentName(one.kf_account)} <${Skipped} reason=${one.reason} /></li>`)}
    </ul>`;
}

// Why this group: the rule that held, and the groups that handed the customer on.
function Place({ card }) {
  return html`
    ${(card.fallback ?? []).map((one) => html`<p key=${one.group}>${t(`routing.passed.${one.why}`, { group: groupName(one.group) })}</p>`)}
    <p>${t("routing.group", { group: groupName(card.group) })} <${Ruled} card=${card} /></p>`;
}

// By the rules of routing, or because it changed hands.
function reasonWords(reason) {
  if (has(`routing.reason.${reason}`)) return t(`routing.reason.${reason}`);
  return has(`why.${reason}`) ? t("routing.because", { why: t(`why.${reason}`) }) : t("routing.reason.other");
}

function Skipped({ reason }) {
  const key = `routing.skipped.${reason}`;
  return has(key) ? html`<span class="chip">${t(key)}</span>` : "";
}

// Which rule chose the group; cards from before rules were kept say nothing of it.
export function Ruled({ card }) {
  const { rule, named } = card;
  if (named) return t("routing.named");
  if (rule === undefined) return "";
  return rule ? t("routing.rule", { n: rule.number, priority: rule.priority }) : t("routing.noRule");
}
