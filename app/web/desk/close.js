// Ending a conversation: asks once, and may ask the customer for a rating.

import { Dialog } from "../shared/dialog.js";
import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { close } from "./actions.js";
import { draftOf } from "./drafts.js";
import { keep, recall } from "../shared/kept.js";
import { customerName } from "../shared/names.js";
import { now } from "../shared/store.js";

export function CloseDialog({ session, onClose }) {
  const may = session.budget.remaining > 0 && session.budget.window_ends_ms > now.value;
  const [survey, setSurvey] = useState(() => recall("survey", true));

  function end() {
    keep("survey", survey);
    close(session, may && survey);
    onClose();
  }

  return html`
    <${Dialog} title=${t("chat.close")} onClose=${onClose}>
      <p>${t("chat.closeAsk", { name: customerName(session) })}</p>
      ${draftOf(session.id) && html`<p class="bad">${t("close.unsent")}</p>`}
      ${may
        ? html`<label class="check"><input type="checkbox" checked=${survey} onChange=${(event) => setSurvey(event.currentTarget.checked)} /> ${t("close.survey")}</label>`
        : html`<p class="dim">${t("close.noSurvey")}</p>`}
      <footer class="buttons">
        <button type="button" onClick=${onClose}>${t("app.cancel")}</button>
        <button type="button" class="danger" onClick=${end}>${t("chat.close")}</button>
      </footer>
    <//>`;
}
