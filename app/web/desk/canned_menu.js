// The canned replies that fit, above the box while a slash is being typed.

import { html } from "../shared/kit.js";
import { t } from "../shared/words.js";

export const optionId = (reply) => `canned-${reply.id}`;

export function CannedMenu({ replies, at, pick }) {
  return html`
    <div class="canned">
      <p class="dim">${t(replies.length ? "canned.pick" : "canned.nothing")}</p>
      <ul role="listbox" id="canned" aria-label=${t("canned.title")}>
        ${replies.map((reply, place) => html`
          <li key=${reply.id} id=${optionId(reply)} role="option" aria-selected=${place === at}
            onMouseDown=${(event) => { event.preventDefault(); pick(reply); }}>
            <strong>/${reply.title}</strong> <span class="dim">${reply.text}</span>
          </li>`)}
      </ul>
    </div>`;
}
