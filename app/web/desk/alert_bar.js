// Sound and notification: what is on, and what must be pressed so that it can be.

import { icon } from "../shared/icon.js";
import { html } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { askPermission, permission } from "./alerts.js";
import { sound, switchSound } from "./sound.js";

export function SoundButton() {
  const on = sound.value !== "off";
  const label = t(on ? "alert.soundOn" : "alert.soundOff");
  return html`<button type="button" class="quiet" aria-pressed=${on} aria-label=${label} title=${label} onClick=${switchSound}>
    ${icon(...(on ? ["bell"] : ["bell", "off"]))}</button>`;
}

export function AlertHints() {
  return html`
    ${sound.value === "locked" && html`<p class="hint">${t("alert.locked")}</p>`}
    ${permission.value === "default" && html`<button type="button" class="small wide" onClick=${askPermission}>${t("alert.ask")}</button>`}`;
}
