// Handing a conversation over: to whom, with a note; and answering when one is asked.

import { serverNow } from "../shared/api.js";
import { Dialog } from "../shared/dialog.js";
import { html, useEffect, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { accept, decline, transfer } from "./actions.js";
import { agentName, groupName } from "../shared/names.js";
import { asksMe, isMine } from "./selectors.js";
import { now, state } from "../shared/store.js";
import { loadColleagues } from "../shared/sync.js";

export function TransferDialog({ session, onClose }) {
  const [target, setTarget] = useState(null);
  useEffect(() => {
    loadColleagues();
  }, []);
  const { agents, groups } = targets(state.value, session);

  async function submit(event) {
    event.preventDefault();
    const note = new FormData(event.currentTarget).get("note").trim();
    if (await transfer(session, { ...target, note })) onClose();
  }

  return html`
    <${Dialog} title=${t("transfer.title")} onClose=${onClose}>
      <form class="transfer" onSubmit=${submit}>
        <${Choice} title=${t("transfer.agents")} options=${agents} choose=${setTarget} />
        <${Choice} title=${t("transfer.groups")} options=${groups} choose=${setTarget} />
        ${!agents.length && !groups.length && html`<p class="empty">${t("transfer.nobody")}</p>`}
        <label>${t("transfer.note")}<textarea name="note" rows="2" maxlength="500"></textarea></label>
        <footer class="buttons">
          <button type="button" onClick=${onClose}>${t("app.cancel")}</button>
          <button class="primary" disabled=${!target}>${t("transfer.go")}</button>
        </footer>
      </form>
    <//>`;
}

function Choice({ title, options, choose }) {
  if (!options.length) return "";
  return html`<fieldset><legend>${title}</legend>
    ${options.map((one) => html`
      <label class="option" key=${one.label}>
        <input type="radio" name="target" disabled=${one.free <= 0} onChange=${() => choose(one.body)} />
        <span>${one.label}</span>
        <span class="dim">${one.free > 0 ? t("transfer.seats", { n: one.free }) : t("transfer.full")}</span>
      </label>`)}
  </fieldset>`;
}

// Colleagues who serve now, and groups with one of them; the free seats of each.
function targets({ agents, groups, me }, session) {
  const others = Object.values(agents).filter((one) => one.serving && one.kf_account !== me.kf_account);
  const seats = (list) => list.reduce((sum, one) => sum + Math.max(0, one.max_sessions - one.load), 0);
  const members = (group) => others.filter((one) => group.members.includes(one.kf_account));
  return {
    agents: others.map((one) => ({
      label: agentName(one.kf_account), free: seats([one]), body: { to_kf_account: one.kf_account },
    })),
    groups: groups.filter((group) => group.name !== session.group && members(group).length).map((group) => ({
      label: groupName(group.name), free: seats(members(group)), body: { to_group: group.name },
    })),
  };
}

// A transfer that waits for an answer: mine to give, or a colleague's.
export function Asked({ session }) {
  if (session.state !== "TRANSFERING" || !session.transfer) return "";
  const { by, to, note } = session.transfer;
  if (asksMe(state.value, session)) {
    return html`<div class="asked">
      <p role="alert">${t("transfer.asksYou", { by: agentName(by) })}${note && html`<br /><span class="dim">${note}</span>`}</p>
      <${Countdown} to=${session.transfer.expires_ms} />
      <button type="button" class="small" onClick=${() => decline(session)}>${t("transfer.decline")}</button>
      <button type="button" class="primary small" onClick=${() => accept(session)}>${t("transfer.accept")}</button>
    </div>`;
  }
  if (!isMine(state.value, session)) return "";
  return html`<div class="asked"><p>${t("transfer.waitsFor", { to: agentName(to) })}</p><${Countdown} to=${session.transfer.expires_ms} /></div>`;
}

// How long the answer may take; then the conversation stays with whom it was.
function Countdown({ to }) {
  const s = Math.max(0, Math.ceil((to - Math.max(now.value, serverNow())) / 1000));
  return html`<span class="countdown" role="timer">${t("transfer.left", { s })}</span>`;
}
