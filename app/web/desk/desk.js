// The desk of one who is signed in: the lists beside the conversation.

import { html, signal } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { followAddress } from "./address.js";
import { Elsewhere } from "../shared/elsewhere.js";
import { KeysHelp, listenToKeys } from "./keys.js";
import { signOut } from "../shared/session.js";
import { Sidebar } from "./sidebar.js";
import { connected, polled, selected, state, trouble } from "../shared/store.js";
import { closeStream, openStream, resume } from "./stream.js";
import { keepWhole, loadColleagues } from "../shared/sync.js";
import { keepTitle } from "./title.js";
import { keepDrafts } from "./drafts.js";
import { keepViewing } from "./viewers.js";
import { keepInView } from "./viewport.js";

// The lists are drawn first; the conversation's many parts come right behind them.
const chat = signal(null);

export function Desk() {
  if (!state.value.me.kf_account) return html`<${NoSeat} />`;
  return html`
    <div class="desk" data-view=${selected.value ? "chat" : "list"}>
      <${Sidebar} />
      ${chat.value ? html`<${chat.value} />` : html`<main class="chat"></main>`}
    </div>
    <${Alerts} />
    <${KeysHelp} />`;
}

function Alerts() {
  return html`<div class="alerts" role="status">
    <${Elsewhere} resume=${resume} />
    ${!connected.value && html`<p class="alert">${t("app.offline")}</p>`}
    ${connected.value && polled.value && html`<p class="alert">${t("app.polled")}</p>`}
    ${trouble.value && html`<p class="alert">
      <span>${trouble.value}</span>
      <button type="button" class="quiet" aria-label=${t("app.close")} onClick=${() => (trouble.value = "")}>✕</button>
    </p>`}
  </div>`;
}

function NoSeat() {
  return html`<main class="login"><div class="card">
    <p>${t("login.noSeat")}</p>
    <p><a href="admin">${t("app.console")}</a></p>
    <button type="button" onClick=${signOut}>${t("login.out")}</button>
  </div></main>`;
}

export function begin() {
  if (!state.value.me.kf_account) return;
  loadColleagues();
  openStream();
  import("./chat.js").then(({ Chat }) => (chat.value = Chat));
}

export const end = closeStream;

keepWhole();
keepTitle();
keepDrafts();
keepViewing();
keepInView();
listenToKeys();
followAddress();
