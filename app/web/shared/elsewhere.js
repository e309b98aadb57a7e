// Says that this page hears nothing more, because the same person opened others, and offers to go on here.

import { html } from "./kit.js";
import { t } from "./words.js";
import { elsewhere } from "./store.js";

export function Elsewhere({ resume }) {
  return elsewhere.value && html`<p class="alert">
    <span>${t("app.elsewhere")}</span>
    <button type="button" class="small" onClick=${resume}>${t("app.resume")}</button>
  </p>`;
}
