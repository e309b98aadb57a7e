// Sound and notification: what is on, and what must be pressed so that it can be.

import { html } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { askPermission, permission } from "./alerts.js";
import { sound, switchSound } from "./sound.js";

export function SoundButton() {
  const on = sound.value !== "off";
  const label = t(on ? "alert.soundOn" : "alert.soundOff");
  return html`<button type="button" class="quiet" aria-pressed=${on} aria-label=${label} title=${label} onClick=${switchSound}>
    <svg class="bell" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4" />${!on && html`<path d="M4 4l16 16" />`}
    </svg></button>`;
}

export function AlertHints() {
  return html`
    ${sound.value === "locked" && html`<p class="hint">${t("alert.locked")}</p>`}
    ${permission.value === "default" && html`<button type="button" class="small wide" onClick=${askPermission}>${t("alert.ask")}</button>`}`;
}
