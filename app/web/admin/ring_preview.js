// What a change of agents would move, before it is made: counted on made-up customers, nothing is changed.

import { post } from "../shared/api.js";
import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { agentName } from "../shared/names.js";
import { state } from "../shared/store.js";
import { refusalWords } from "./act.js";
import { percent } from "./ring_svg.js";
import { Table } from "./table.js";

export function RingPreview({ group, agents }) {
  const [found, setFound] = useState(null);
  const [problem, setProblem] = useState("");
  const there = new Set(agents.map((one) => one.kf_account));
  const others = Object.values(state.value.agents).filter((one) => !there.has(one.kf_account));

  async function ask(event) {
    event.preventDefault();
    setProblem("");
    try {
      setFound(await post("/admin/ring/preview", { group, ...changeOf(event.currentTarget, agents) }));
    } catch (error) {
      setFound(null);
      setProblem(refusalWords(error));
    }
  }

  return html`
    <form class="panel" onSubmit=${ask}>
      <h2>${t("preview.title")}</h2>
      <p class="dim">${t("preview.hint")}</p>
      <div class="fields">
        ${agents.map((one) => html`<label key=${one.kf_account}>${t("preview.seats", { name: agentName(one.kf_account) })}
          <input type="number" name=${one.kf_account} min="0" max="1000" defaultValue=${one.weight} required /></label>`)}
        <label>${t("preview.add")}<select name="add"><option value="">${t("over.nobody")}</option>
          ${others.map((one) => html`<option key=${one.kf_account} value=${one.kf_account}>${one.nickname}</option>`)}</select></label>
        <label>${t("preview.addSeats")}<input type="number" name="seats" min="1" max="1000" defaultValue="5" required /></label>
      </div>
      <footer class="buttons"><button class="primary">${t("preview.ask")}</button></footer>
      <p class="problem" role="alert">${problem}</p>
      ${found && html`<div role="status" class="stack">
        <p><strong>${t("preview.moved", { share: percent(found.moved_share) })}</strong></p>
        <${Table} name=${t("preview.title")} rows=${found.agents} empty=${t("ring.nobody")} columns=${[
          ["col.name", (one) => agentName(one.kf_account)],
          ["preview.before", (one) => percent(one.before)],
          ["preview.after", (one) => percent(one.after)],
        ]} />
      </div>`}
    </form>`;
}

// 0 seats means that the agent leaves the ring.
function changeOf(form, agents) {
  const fields = new FormData(form);
  const seats = (name) => Number(fields.get(name));
  const names = agents.map((one) => one.kf_account);
  const added = fields.get("add");
  return {
    remove: names.filter((name) => seats(name) === 0),
    weights: Object.fromEntries(names.filter((name) => seats(name) > 0).map((name) => [name, seats(name)])),
    add: added ? { [added]: seats("seats") } : {},
  };
}
