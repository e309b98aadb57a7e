// How conversations begin, and the texts that answer a keyword before a person is asked for.

import { html } from "../shared/kit.js";
import { Typed } from "../shared/typed.js";
import { t } from "../shared/words.js";

const list = (text) => text.split(/[\s,\u3001\uff0c]+/).filter(Boolean);

export function Entry({ entry, answers, onChange }) {
  const setEntry = (part) => onChange({ entry: { ...entry, ...part } });
  const setAnswer = (at, part) => onChange({ answers: answers.with(at, { ...answers[at], ...part }) });
  return html`<div class="panel">
    <h2>${t("entry.title")}</h2>
    <label>${t("entry.mode")}<select onChange=${(event) => setEntry({ mode: event.currentTarget.value })}>${["always", "on_request"].map((mode) => html`
      <option key=${mode} value=${mode} selected=${mode === entry.mode}>${t(`entry.${mode}`)}</option>`)}</select></label>
    ${entry.mode === "on_request" && html`
      <label>${t("entry.words")}<${Typed} value=${entry.words.join(" ")} onDone=${(text) => setEntry({ words: list(text) })} /></label>
      <label>${t("entry.menuKeys")}<${Typed} value=${entry.menu_keys.join(" ")} onDone=${(text) => setEntry({ menu_keys: list(text) })} /></label>`}
    <h2>${t("answer.title")}</h2>
    ${answers.map((answer, at) => html`<div class="ask" key=${at}>
      <label>${t("answer.words")}<${Typed} required value=${answer.words.join(" ")} onDone=${(text) => setAnswer(at, { words: list(text) })} /></label>
      <label>${t("answer.text")}<${Typed} tag="textarea" rows="2" required maxlength="600" value=${answer.text} onDone=${(text) => setAnswer(at, { text })} /></label>
      <button type="button" onClick=${() => onChange({ answers: answers.toSpliced(at, 1) })}>${t("rules.remove")}</button>
    </div>`)}
    <div><button type="button" onClick=${() => onChange({ answers: [...answers, { words: [], text: "" }] })}>${t("answer.add")}</button></div>
  </div>`;
}
