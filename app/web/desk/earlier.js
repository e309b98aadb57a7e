// A customer's earlier conversations; each opens to be read.

import { get } from "../shared/api.js";
import { html, useEffect, useState } from "../shared/kit.js";
import { momentOf } from "../shared/time.js";
import { t } from "../shared/words.js";
import { go } from "./address.js";
import { preview } from "../shared/content.js";
import { agentName } from "../shared/names.js";
import { dispatch, now } from "../shared/store.js";

const SHOWN = 10;

export function Earlier({ path, current }) {
  const [sessions, setSessions] = useState([]);
  useEffect(() => {
    get(`${path}?limit=${SHOWN}`).then(setSessions, () => setSessions([]));
  }, [path, current]);
  const others = sessions.filter((one) => one.id !== current);

  function show(session) {
    dispatch({ type: "peeked", session });
    go(session.id);
  }

  return html`<section>
    <h3>${t("card.earlier")}</h3>
    ${!others.length && html`<p class="dim">${t("card.noEarlier")}</p>`}
    <ul class="earlier">${others.map((one) => html`<li key=${one.id}>
      <button type="button" class="quiet" onClick=${() => show(one)}>
        <span>${preview(one.last_message)}</span>
        <span class="dim">${t("card.served", { agent: agentName(one.kf_account), time: momentOf(one.closed_ms, now.value) })}
          ${one.rating && html` · ${t("card.rating", { score: one.rating.score })}`}</span>
      </button></li>`)}</ul>
  </section>`;
}
