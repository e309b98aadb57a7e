// The open conversation: its head, its messages, the place to answer.

import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { go } from "./address.js";
import { Avatar } from "./avatar.js";
import { CustomerCard } from "./card.js";
import { CloseDialog } from "./close.js";
import { Composer } from "./composer.js";
import { keep, recall } from "../shared/kept.js";
import { customerName, groupName } from "../shared/names.js";
import { keepRead } from "./read.js";
import { Routing } from "../shared/routing.js";
import { isMine } from "./selectors.js";
import { Thread } from "./thread.js";
import { Others } from "./viewers.js";
import { selected, state } from "../shared/store.js";
import { Asked, TransferDialog } from "./transfer.js";

export function Chat() {
  const session = selected.value;
  return session ? html`<${Open} session=${session} />` : html`<main class="chat nothing"><p>${t("chat.none")}</p></main>`;
}

function Open({ session }) {
  const name = customerName(session);
  const [card, setCard] = useState(() => recall("card", false) && matchMedia("(min-width: 1200px)").matches);
  const showCard = (shown) => {
    setCard(shown);
    keep("card", shown);
  };
  return html`
    <main class="chat" key=${session.id} aria-label=${t("chat.label", { name })}>
      <${Head} session=${session} name=${name} card=${card} showCard=${showCard} />
      <${Others} session=${session} />
      <${Asked} session=${session} />
      <${Thread} session=${session} />
      <${Composer} session=${session} />
    </main>
    ${card && !session.departed && html`<${CustomerCard} session=${session} onClose=${() => showCard(false)} />`}`;
}

function Head({ session, name, card, showCard }) {
  const [dialog, setDialog] = useState("");
  const done = () => setDialog("");
  const serving = isMine(state.value, session);
  return html`
    <header class="chat-head">
      <button type="button" class="quiet back" aria-label=${t("list.back")} onClick=${() => go("")}>‹</button>
      <${Avatar} openid=${session.openid} remark=${session.customer.remark} />
      <div class="chat-who">
        <h1>${name}</h1>
        <p class="dim">
          <span class="state" data-state=${session.state}>${t(`state.${session.state}`)}</span>
          <span>${groupName(session.group)}</span>
          ${session.rating && html`<span class="chip good">${t("rating.given", { score: session.rating.score })}</span>`}
          ${session.customer.subscribed === false && html`<span class="bad">${t("customer.left")}</span>`}
        </p>
      </div>
      <div class="buttons">
        ${!session.departed && html`
          <button type="button" class="small" data-key="card" aria-pressed=${card} onClick=${() => showCard(!card)}>${t("card.open")}</button>
          <button type="button" class="small" data-key="why" onClick=${() => setDialog("routing")}>${t("chat.why")}</button>`}
        ${serving && session.state === "SERVING" && html`
          <button type="button" class="small" data-key="transfer" onClick=${() => setDialog("transfer")}>${t("chat.transfer")}</button>`}
        ${serving && html`<button type="button" class="small danger" data-key="close" onClick=${() => setDialog("close")}>${t("chat.close")}</button>`}
      </div>
      ${dialog === "routing" && html`<${Routing} session=${session} onClose=${done} />`}
      ${dialog === "transfer" && html`<${TransferDialog} session=${session} onClose=${done} />`}
      ${dialog === "close" && html`<${CloseDialog} session=${session} onClose=${done} />`}
    </header>`;
}

keepRead();
