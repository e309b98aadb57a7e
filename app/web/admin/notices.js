// What customers are told by itself: one text for each language, with a picture of how it reads.

import { call, put } from "../shared/api.js";
import { html, useState } from "../shared/kit.js";
import { has, t } from "../shared/words.js";
import { Said, useAct } from "./act.js";
import { useFetched } from "./fetched.js";
import { Loading } from "./table.js";

const LANGUAGES = ["zh", "en"];
const SAMPLES = { position: 3, minutes: 10, nickname: "sample.nickname", agent: "sample.nickname", opens: "sample.opens" };

export function Notices() {
  const { data, problem, refresh } = useFetched("/admin/notices");
  return html`
    <header class="section-head"><h1>${t("console.notices")}</h1></header>
    <p class="dim">${t("notice.hint")}</p>
    <${Loading} data=${data} problem=${problem} />
    ${data?.map((notice) => html`<section class="panel" key=${notice.key}>
      <h2>${t(`notice.${notice.key}`) || t("notice.other")}</h2>
      ${notice.placeholders.length > 0 && html`<p class="dim">${t("notice.placeholders", { names: notice.placeholders.map((name) => `{${name}}`).join(" ") })}</p>`}
      <div class="fields">${LANGUAGES.map((lang) => html`
        <${Text} key=${`${lang} ${notice.texts[lang]}`} notice=${notice} lang=${lang} onChanged=${refresh} />`)}</div>
    </section>`)}`;
}

function Text({ notice, lang, onChanged }) {
  const saved = notice.texts[lang] ?? "";
  const [text, setText] = useState(saved);
  const act = useAct();
  const path = `/admin/notices/${notice.key}`;

  async function save(event) {
    event.preventDefault();
    if (await act.run(() => put(path, { lang, text }), t("act.saved"))) onChanged();
  }
  async function reset() {
    if (await act.run(() => call("DELETE", `${path}?lang=${lang}`))) onChanged();
  }

  return html`<form class="stack" onSubmit=${save}>
    <label>${t(`lang.${lang}`)}<textarea rows="3" lang=${lang} maxlength="600" value=${text} onInput=${(event) => setText(event.currentTarget.value)}></textarea></label>
    <p class="bubble-preview" lang=${lang}>${text ? filled(text) : html`<span class="dim">${t("notice.off")}</span>`}</p>
    <footer class="buttons">
      <${Said} said=${act.said} />
      ${notice.edited.includes(lang) && html`<button type="button" class="small" disabled=${act.busy} onClick=${reset}>${t("notice.reset")}</button>`}
      <button class="small primary" disabled=${act.busy || text === saved}>${t("act.save")}</button>
    </footer>
  </form>`;
}

// As a customer would read it; a name that is no placeholder stays as it is, as it does for them.
function filled(text) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (has(SAMPLES[name]) ? t(SAMPLES[name]) : SAMPLES[name] ?? whole));
}
