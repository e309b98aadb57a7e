// In service, on a break, or away: one clear control and what it means.

import { Confirm } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { LanguageButton } from "../shared/language.js";
import { t } from "../shared/words.js";
import { AlertHints, SoundButton } from "./alert_bar.js";
import { help } from "./keys.js";
import { agentName } from "../shared/names.js";
import { setStatus, signOut } from "../shared/session.js";
import { state } from "../shared/store.js";

const STATUSES = ["online", "away", "offline"];

export function Presence() {
  const [open, setOpen] = useState(0);
  const { me } = state.value;
  const status = me.status ?? "offline";

  async function choose(wanted) {
    if (wanted !== status) setOpen(await setStatus(wanted));
  }

  return html`
    <header class="me">
      <div class="me-line">
        <span class="dot" data-status=${status} aria-hidden="true"></span>
        <strong class="me-name">${me.nickname || agentName(me.kf_account)}</strong>
        <${SoundButton} />
        <button type="button" class="quiet keys-button" aria-label=${t("keys.title")} title=${t("keys.title")} onClick=${() => (help.value = true)}>?</button>
        <${LanguageButton} />
        <button type="button" class="quiet" onClick=${signOut}>${t("login.out")}</button>
      </div>
      ${status === "offline"
        ? html`<button type="button" class="primary wide" onClick=${() => choose("online")}>${t("presence.start")}</button>`
        : html`<${Switch} status=${status} choose=${choose} />`}
      <p class="hint">${t(`presence.${status}Hint`)}</p>
      <${AlertHints} />
      ${open > 0 && html`<${Confirm} title=${t("presence.offline")} text=${t("presence.handOver", { open })}
        yes=${t("presence.handOverYes")} onYes=${() => setStatus("offline", true)} onClose=${() => setOpen(0)} />`}
    </header>`;
}

function Switch({ status, choose }) {
  return html`<div class="segments" role="group" aria-label=${t("presence.label")}>
    ${STATUSES.map((one) => html`
      <button type="button" aria-pressed=${one === status} data-status=${one} onClick=${() => choose(one)}>
        ${t(`presence.${one}`)}
      </button>`)}
  </div>`;
}
