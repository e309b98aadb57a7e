// Choosing, making, changing and removing canned replies.

import { Dialog } from "../shared/dialog.js";
import { html, useEffect, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { t } from "../shared/words.js";
import { canned, loadCanned, removeCanned, saveCanned } from "./canned.js";
import { state } from "../shared/store.js";

const TEXT_MAX = 600;
const LEADS = new Set(["supervisor", "admin"]);

const mayShare = () => LEADS.has(state.value.me.person?.role);

export function CannedDialog({ pick, onClose }) {
  const [edited, setEdited] = useState(null);
  const [problem, setProblem] = useState("");
  const fail = (error) => setProblem(problemWords(error));
  const attempt = (work) => work.then(() => setEdited(null), fail);
  useEffect(() => {
    loadCanned().catch(fail);
  }, []);
  return html`
    <${Dialog} title=${t("canned.title")} onClose=${onClose}>
      <p class="problem" role="alert">${problem}</p>
      ${edited
        ? html`<${Form} reply=${edited.id ? edited : null} attempt=${attempt} back=${() => setEdited(null)} />`
        : html`<${List} pick=${pick} edit=${setEdited} />`}
    <//>`;
}

function List({ pick, edit }) {
  const replies = canned.value ?? [];
  return html`
    <ul class="canned-list">
      ${replies.map((reply) => html`<li key=${reply.id}>
        <button type="button" class="quiet" onClick=${() => pick(reply)}>
          <strong>/${reply.title}</strong> <span class="chip">${t(reply.shared ? "canned.shared" : "canned.own")}</span>
          <span class="dim">${reply.text}</span>
        </button>
        ${(!reply.shared || mayShare()) && html`
          <button type="button" class="small" onClick=${() => edit(reply)} aria-label=${`${t("canned.edit")} ${reply.title}`}>${t("canned.edit")}</button>`}
      </li>`)}
    </ul>
    ${!replies.length && html`<p class="empty">${t("canned.none")}</p>`}
    <footer class="buttons"><button type="button" class="primary" onClick=${() => edit({})}>${t("canned.new")}</button></footer>`;
}

function Form({ reply, attempt, back }) {
  function submit(event) {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.currentTarget));
    attempt(saveCanned(reply, { title: given.title.trim(), text: given.text, shared: Boolean(given.shared) }));
  }

  return html`<form class="stack" onSubmit=${submit}>
    <label>${t("canned.name")}<input name="title" required maxlength="64" defaultValue=${reply?.title ?? ""} /></label>
    <label>${t("canned.text")}<textarea name="text" rows="4" required maxlength=${TEXT_MAX}>${reply?.text ?? ""}</textarea></label>
    <p class="hint">${t("canned.variables", { open: "{", close: "}" })}</p>
    ${!reply && mayShare() && html`<label class="check"><input type="checkbox" name="shared" /> ${t("canned.forAll")}</label>`}
    <footer class="buttons">
      ${reply && html`<button type="button" class="danger" onClick=${() => attempt(removeCanned(reply))}>${t("canned.remove")}</button>`}
      <button type="button" onClick=${back}>${t("canned.back")}</button>
      <button class="primary">${t("canned.save")}</button>
    </footer>
  </form>`;
}
