// What is known of the customer: remark, tags, facts, earlier conversations, colleagues' notes.

import { get, patch } from "../shared/api.js";
import { html, useEffect, useLayoutEffect, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { momentOf } from "../shared/time.js";
import { has, t } from "../shared/words.js";
import { Avatar } from "./avatar.js";
import { Earlier } from "./earlier.js";
import { customerName } from "../shared/names.js";
import { Notes } from "./notes.js";
import { now } from "../shared/store.js";

const TAG_CHARS = 32;

export function CustomerCard({ session, onClose }) {
  const [card, setCard] = useState(null);
  const [problem, setProblem] = useState("");
  const path = `/customers/${encodeURIComponent(session.openid)}`;
  const told = (work) => work.then((found) => { setCard(found); setProblem(""); }, (error) => setProblem(problemWords(error)));

  useEffect(() => {
    setCard(null);
    told(get(path));
  }, [path]);

  const change = (values) => told(patch(path, values));
  return html`
    <aside class="customer" aria-label=${t("card.title")}>
      <header><${Avatar} openid=${session.openid} remark=${session.customer.remark} />
        <div><h2>${customerName(session)}</h2>
          <p class="dim">${t("card.openid")} <code>${session.openid}</code></p></div>
        <button type="button" class="quiet" aria-label=${t("app.close")} onClick=${onClose}>✕</button></header>
      <p class="problem" role="alert">${problem}</p>
      ${card ? html`<${Known} card=${card} change=${change} />` : !problem && html`<p class="dim">${t("app.loading")}</p>`}
      <${Notes} path=${`${path}/notes`} />
      <${Earlier} path=${`${path}/sessions`} openid=${session.openid} current=${session.id} />
    </aside>`;
}

function Known({ card, change }) {
  return html`
    <${Remark} remark=${card.remark} change=${change} />
    <section><h3>${t("card.tags")}</h3><${Tags} tags=${card.tags} change=${change} /></section>
    <section><h3>${t("card.facts")}</h3><${Facts} facts=${card.facts} /></section>`;
}

function Remark({ remark, change }) {
  const [text, setText] = useState(remark);
  useLayoutEffect(() => setText(remark), [remark]);
  return html`<form class="remark" onSubmit=${(event) => { event.preventDefault(); change({ remark: text.trim() }); }}>
    <label>${t("card.remark")}
      <input value=${text} maxlength="128" placeholder=${t("card.noRemark")} onInput=${(event) => setText(event.currentTarget.value)} /></label>
    ${text.trim() !== remark && html`<button class="primary small">${t("card.save")}</button>`}
  </form>`;
}

function Tags({ tags, change }) {
  function added(event) {
    event.preventDefault();
    const tag = event.currentTarget.elements.tag.value.trim();
    event.currentTarget.reset();
    if (tag && !tags.includes(tag)) change({ tags: [...tags, tag] });
  }

  return html`<ul class="tags">${tags.map((tag) => html`<li class="chip" key=${tag}>${tag}
      <button type="button" class="link" aria-label=${t("card.removeTag", { tag })} onClick=${() => change({ tags: tags.filter((one) => one !== tag) })}>✕</button></li>`)}</ul>
    <form onSubmit=${added}><input name="tag" maxlength=${TAG_CHARS} aria-label=${t("card.addTag")} placeholder=${t("card.addTag")} /></form>`;
}

function Facts({ facts }) {
  const rows = Object.entries(facts);
  if (!rows.length) return html`<p class="dim">${t("card.noFacts")}</p>`;
  return html`<dl class="facts">${rows.map(([name, value]) => html`
    <div key=${name}><dt>${has(`fact.${name}`) ? t(`fact.${name}`) : name}</dt><dd>${factWords(name, value)}</dd></div>`)}</dl>`;
}

function factWords(name, value) {
  if (name.endsWith("_ms") && Number.isFinite(value)) return momentOf(value, now.value);
  if (typeof value === "boolean") return t(`app.${value}`);
  if (Array.isArray(value)) return value.map((one) => factWords("", one)).join(t("app.comma"));
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
