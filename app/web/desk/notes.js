// Notes for colleagues on one customer; the customer never sees them.

import { call, get, patch, post } from "../shared/api.js";
import { html, useEffect, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { momentOf } from "../shared/time.js";
import { t } from "../shared/words.js";
import { now, state } from "../shared/store.js";

const NOTE_CHARS = 2000;

export function Notes({ path }) {
  const [notes, setNotes] = useState([]);
  const [edited, setEdited] = useState(0);
  const [problem, setProblem] = useState("");
  const load = () => get(path).then(setNotes);
  const after = (work) => work.then(load).then(() => { setEdited(0); setProblem(""); }, (error) => setProblem(problemWords(error)));

  useEffect(() => {
    after(Promise.resolve());
  }, [path]);

  return html`<section>
    <h3>${t("card.notes")}</h3>
    <p class="problem" role="alert">${problem}</p>
    <ul class="notes">${notes.map((note) => html`<li key=${note.id}>
      ${edited === note.id
        ? html`<${NoteForm} text=${note.text} save=${(text) => after(patch(`${path}/${note.id}`, { text }))} />`
        : html`<${Note} note=${note} edit=${() => setEdited(note.id)} remove=${() => after(call("DELETE", `${path}/${note.id}`))} />`}
    </li>`)}</ul>
    ${!notes.length && html`<p class="dim">${t("card.noNotes")}</p>`}
    <${NoteForm} key=${notes.length} text="" save=${(text) => after(post(path, { text }))} />
  </section>`;
}

function Note({ note, edit, remove }) {
  const own = note.author === state.value.me.person?.username;
  return html`<p class="text">${note.text}</p>
    <p class="dim">${t("card.noteBy", { author: note.author, time: momentOf(note.created_ms, now.value) })}
      ${note.edited_by && html`<span class="edited"> · ${t("card.noteEdited", { name: note.edited_by, time: momentOf(note.edited_ms, now.value) })}</span>`}
      ${own && html` <button type="button" class="link" onClick=${edit}>${t("card.edit")}</button>
        <button type="button" class="link" onClick=${remove}>${t("card.remove")}</button>`}</p>`;
}

function NoteForm({ text, save }) {
  function submit(event) {
    event.preventDefault();
    const given = event.currentTarget.elements.text.value.trim();
    if (given) save(given);
  }

  return html`<form class="stack" onSubmit=${submit}>
    <textarea name="text" rows="2" maxlength=${NOTE_CHARS} aria-label=${t("card.noteLabel")} placeholder=${t("card.noteLabel")}>${text}</textarea>
    <button class="small">${t(text ? "card.save" : "card.addNote")}</button>
  </form>`;
}
