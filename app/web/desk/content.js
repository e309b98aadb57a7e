// What a message holds, by type. Text nodes only; a link is made only of an http or https address.

import { html, useState } from "../shared/kit.js";
import { has, t } from "../shared/words.js";

const LINK = /https?:\/\/[^\s<>"'\u3000-\u303f\uff00-\uffef]+/g;
const PLAYED = { voice: /^audio\/mpeg$/, video: /^video\//, shortvideo: /^video\// };

const VIEWS = {
  text: ({ message }) => html`<p class="text"><${Linked} text=${message.text} /></p>`,
  image: Picture,
  voice: Recording,
  video: Recording,
  shortvideo: Recording,
  location: Place,
  link: ({ message }) => html`<${Card} kind="link" title=${message.media.title} detail=${message.media.description} href=${message.media.url} />`,
  file: ({ message }) => html`<${Card} kind="file" title=${message.media.title} detail=${message.media.description} />`,
  miniprogrampage: ({ message }) => html`<${Card} kind="miniprogrampage" title=${message.media.title} />`,
  event: ({ message }) => html`<p class="text">${eventWords(message)}</p>`,
};

export function Content({ message }) {
  const view = VIEWS[message.type];
  return view ? html`<${view} message=${message} />` : html`<p class="text dim">${t("type.unsupported")}</p>`;
}

// The last message in a list, on one line.
export function preview(last) {
  if (!last) return "";
  if (last.type === "text" && last.text) return last.text;
  const key = `type.${last.type}`;
  const type = has(key) && last.type !== "unsupported" ? t(key) : t("type.event");
  return last.direction === "system" ? last.text : t("preview.other", { type });
}

function Linked({ text }) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(at, match.index));
    parts.push(html`<a href=${match[0]} target="_blank" rel="noopener noreferrer">${match[0]}</a>`);
    at = match.index + match[0].length;
  }
  return html`${parts}${text.slice(at)}`;
}

// Where the file is with us; nothing is ever loaded from an address that a message names.
function address(message) {
  const { media } = message;
  return media?.preview ?? (media?.media_id && isReady(message) ? `/api/v1/media/${media.media_id}` : "");
}

// What an agent sends is here from the start; what a customer sends is fetched from WeChat first.
function isReady(message) {
  return message.direction === "out" || message.media.state === "ready";
}

function Missing({ message }) {
  return html`<p class="text dim">${t(message.media?.state === "failed" ? "media.failed" : "media.pending")}</p>`;
}

function Picture({ message }) {
  const [broken, setBroken] = useState(false);
  const from = address(message);
  if (!from || broken) return html`<${Missing} message=${message} />`;
  return html`<a class="picture" href=${from} target="_blank" rel="noopener" aria-label=${t("media.open")}>
    <img src=${from} alt=${t("type.image")} onError=${() => setBroken(true)} />
  </a>`;
}

// WeChat's AMR voices play in no browser: they are offered as a download.
function Recording({ message }) {
  const from = address(message);
  const { type, media } = message;
  if (!from) return html`<${Missing} message=${message} />`;
  const plays = PLAYED[type].test(media.mime ?? "");
  const player = type === "voice"
    ? html`<audio controls preload="none" src=${from}></audio>`
    : html`<video controls preload="metadata" src=${from}></video>`;
  return html`<div class="recording">
    ${plays && player}
    <a class="text" href=${from} download=${message.id}>${t("media.save", { type: t(`type.${type}`) })}</a>
    ${media.recognition && html`<p class="text dim">${t("media.recognised", { text: media.recognition })}</p>`}
  </div>`;
}

function Place({ message }) {
  const { label, lat, lon } = message.media;
  return html`<${Card} kind="location" title=${label} detail=${lat == null ? "" : t("media.map", { lat, lon })} />`;
}

function Card({ kind, title, detail, href }) {
  const inside = html`
    <strong>${title || t(`type.${kind}`)}</strong>
    ${detail && html`<span class="dim">${detail}</span>`}
    <small class="dim">${t(`type.${kind}`)}</small>`;
  return /^https?:\/\//i.test(href ?? "")
    ? html`<a class="attached" href=${href} target="_blank" rel="noopener noreferrer">${inside}</a>`
    : html`<div class="attached">${inside}</div>`;
}

function eventWords(message) {
  const { event, event_key: key } = message.media ?? {};
  const known = `event.${event}`;
  return has(known) ? t(known, { key }) : t("event.other");
}
