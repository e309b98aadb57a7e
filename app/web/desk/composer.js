// Where the agent answers, and what WeChat still allows.

import { html, useState } from "../shared/kit.js";
import { left } from "../shared/time.js";
import { t } from "../shared/words.js";
import { fileKind } from "./limits.js";
import { held, release, takeBack } from "./merge.js";
import { maySend } from "../shared/names.js";
import { sendFile } from "../shared/outgoing.js";
import { whyReadOnly } from "./selectors.js";
import { now, state, trouble } from "../shared/store.js";
import { Write } from "./write.js";

export function Composer({ session }) {
  const why = whyReadOnly(state.value, session, now.value);
  const [over, setOver] = useState(false);

  function files(list) {
    for (const file of list) offer(session, file);
  }

  function dropped(event) {
    event.preventDefault();
    setOver(false);
    if (!why) files(event.dataTransfer.files);
  }

  if (why) return html`<footer class="composer"><p class="readonly" role="status">${t(`readonly.${why}`)}</p></footer>`;
  return html`
    <footer class="composer" data-over=${over} onDrop=${dropped} onDragLeave=${() => setOver(false)}
      onDragOver=${(event) => { event.preventDefault(); setOver(true); }}>
      ${over && html`<p class="drop">${t("compose.drop")}</p>`}
      <${Held} id=${session.id} />
      <${Budget} budget=${session.budget} />
      <${Write} session=${session} files=${files} />
    </footer>`;
}

function Budget({ budget }) {
  const time = left(budget.window_ends_ms - now.value);
  const key = budget.remaining === 1 ? "budget.one" : "budget.line";
  return html`<p class="budget" data-low=${budget.remaining <= 1}>${t(key, { n: budget.remaining, time })}</p>`;
}

// Lines that wait to go out as one message.
function Held({ id }) {
  const waiting = held.value[id];
  if (!waiting) return "";
  const s = Math.max(0, Math.ceil((waiting.until - now.value) / 1000));
  return html`<div class="held" role="status">
    <p>${t("merge.held", { n: waiting.lines, s })}</p>
    <p class="text">${waiting.text}</p>
    <div class="buttons">
      <button type="button" class="small" onClick=${() => takeBack(id)}>${t("merge.edit")}</button>
      <button type="button" class="small primary" onClick=${() => release(id)}>${t("merge.now")}</button>
    </div>
  </div>`;
}

function offer(session, file) {
  const { type, key, values } = fileKind(file);
  if (type && !maySend(session, type)) trouble.value = t("problem.type_not_for_account");
  else if (type) sendFile(session, type, file);
  else trouble.value = t(key, values);
}
