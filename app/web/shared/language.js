// The button that switches the language.

import { html } from "./kit.js";
import { switchLanguage, t } from "./words.js";

export function LanguageButton() {
  return html`<button type="button" class="quiet" aria-label=${`${t("app.language")} ${t("app.languageName")}`} onClick=${switchLanguage}>
    ${t("app.language")}
  </button>`;
}
