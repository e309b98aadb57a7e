// One message with its state in place, and one that is still on its way from this page.

import { Confirm } from "./dialog.js";
import { html, useState } from "./kit.js";
import { platformWords } from "./problems.js";
import { clockTime } from "./time.js";
import { t } from "./words.js";
import { Content } from "./content.js";
import { lineWords } from "./lines.js";
import { agentName } from "./names.js";
import { drop, resend, sendAgain } from "./outgoing.js";

export function Message({ message, mayResend }) {
  if (message.direction === "system") {
    return html`<li class="line" data-id=${message.id}><span>${lineWords(message)}</span> <time>${clockTime(message.created_ms)}</time></li>`;
  }
  const out = message.direction === "out";
  const author = message.notice ? t("status.notice") : out ? agentName(message.kf_account) : "";
  return html`
    <li class="message" data-id=${message.id} data-direction=${message.direction} data-status=${message.status}>
      <div class="bubble"><${Content} message=${message} /></div>
      <p class="under">
        ${author && html`<span>${author}</span>`}
        <time>${clockTime(message.created_ms)}</time>
        ${out && html`<${Delivery} message=${message} mayResend=${mayResend} />`}
      </p>
    </li>`;
}

function Delivery({ message, mayResend }) {
  const [asking, setAsking] = useState(false);
  const { status } = message;
  if (status === "sent") return html`<span class="sent" title=${t("status.sent")} aria-label=${t("status.sent")}>✓</span>`;
  if (status === "pending") return html`<span class="dim">${t("status.pending")}</span>`;
  const doubtful = status === "unknown";
  const reason = platformWords(message.error);
  return html`
    <span class="bad" role="alert">${doubtful ? t("status.unknown") : t("status.failed", { reason })}</span>
    ${mayResend && html`<button type="button" class="link" onClick=${() => (doubtful ? setAsking(true) : resend(message))}>
      ${t(doubtful ? "status.resendAsk" : "status.resend")}
    </button>`}
    ${asking && html`<${Confirm} title=${t("status.resendAsk")} text=${t("status.resendWarn")} yes=${t("status.resend")}
      onYes=${() => resend(message)} onClose=${() => setAsking(false)} />`}`;
}

export function Outgoing({ item }) {
  const message = { ...item, direction: "out", media: { ...item.media, preview: item.preview } };
  return html`
    <li class="message" data-direction="out" data-status=${item.state}>
      <div class="bubble"><${Content} message=${message} /></div>
      <p class="under">
        ${item.state === "sending"
          ? html`<span class="dim">${t("status.local")}</span>`
          : html`
            <span class="bad" role="alert">${t("status.unsent", { reason: item.problem })}</span>
            <button type="button" class="link" onClick=${() => sendAgain(item)}>${t("status.resend")}</button>
            <button type="button" class="link" onClick=${() => drop(item)}>${t("status.drop")}</button>`}
      </p>
    </li>`;
}
