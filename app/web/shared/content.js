// What a message holds, by type. Text nodes only; a link is made only of an http or https address.

import { urlOf } from "./api.js";
import { html, useState } from "./kit.js";
import { has, t } from "./words.js";
import { eventWords, placeOf } from "./event_words.js";
import { Voice } from "./voice.js";
import { withEmoji } from "./words.emoticons.js";

const LINK = /https?:\/\/[^\s<>"'\u3000-\u303f\uff00-\uffef]+/g;
const TRAILING = /[.,;:!?)\]}]+$/;
const MAP = "https://apis.map.qq.com/uri/v1/marker";

const VIEWS = {
  text: ({ message }) => html`<p class="text"><${Linked} text=${message.text} /></p>`,
  image: Picture,
  voice: Spoken,
  video: Clip,
  shortvideo: Clip,
  location: Place,
  link: ({ message }) => html`<${Card} kind="link" title=${message.media.title} detail=${message.media.description} href=${message.media.url} />`,
  file: ({ message }) => html`<${Card} kind="file" title=${message.media.title} detail=${message.media.description} />`,
  miniprogrampage: ({ message }) => html`<${Card} kind="miniprogrampage" title=${message.media.title} detail=${pagePath(message.media)} />`,
  news: ({ message }) => html`<${Card} kind="news" title=${message.media.title} detail=${message.media.description} href=${message.media.url} />`,
  msgmenu: Menu,
  event: ({ message }) => html`<p class="text"><${Linked} text=${eventWords(message.media ?? {})} /></p>
    ${message.media?.location && html`<${Place} message=${{ media: placeOf(message.media) }} />`}`,
};

export function Content({ message }) {
  const view = VIEWS[message.type];
  return view ? html`<${view} message=${message} />` : html`<p class="text dim">${t("type.unsupported")}</p>`;
}

// The last message in a list, on one line.
export function preview(last) {
  if (!last) return "";
  if (last.type === "text" && last.text) return withEmoji(last.text);
  const key = `type.${last.type}`;
  const type = has(key) && last.type !== "unsupported" ? t(key) : t("type.event");
  return last.direction === "system" ? last.text : t("preview.other", { type });
}

// Punctuation that ends a sentence is no part of the address before it.
function Linked({ text }) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(TRAILING, "");
    parts.push(withEmoji(text.slice(at, match.index)));
    parts.push(html`<a href=${address} target="_blank" rel="noopener noreferrer">${address}</a>`);
    at = match.index + address.length;
  }
  return html`${parts}${withEmoji(text.slice(at))}`;
}

// Where the file is with us; nothing is ever loaded from an address that a message names.
function address(message) {
  const { media } = message;
  return media?.preview ?? (media?.media_id && isReady(message) ? urlOf(`/media/${media.media_id}`) : "");
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

function Spoken({ message }) {
  const from = address(message);
  return from ? html`<${Voice} message=${message} from=${from} />` : html`<${Missing} message=${message} />`;
}

function Clip({ message }) {
  const from = address(message);
  if (!from) return html`<${Missing} message=${message} />`;
  return html`<div class="recording">
    <video controls preload="metadata" src=${from} aria-label=${t("type.video")}></video>
    <a class="text" href=${from} download=${message.id}>${t("media.save", { type: t("type.video") })}</a>
  </div>`;
}

// The map is another company's page: it opens only when asked for, and learns nothing but the place.
function Place({ message }) {
  const { label, lat, lon } = message.media;
  if (lat == null || lon == null) return html`<${Card} kind="location" title=${label} />`;
  const query = new URLSearchParams({ marker: `coord:${lat},${lon};title:${label || t("type.location")}` });
  return html`<${Card} kind="location" title=${label} detail=${t("media.map", { lat, lon })} href=${`${MAP}?${query}`} />`;
}

function Menu({ message }) {
  const { head, list = [], tail } = message.media ?? {};
  return html`<div class="menu">
    ${head && html`<p class="text">${head}</p>`}
    <ol>${list.map((one) => html`<li>${one.content}</li>`)}</ol>
    ${tail && html`<p class="text">${tail}</p>`}
  </div>`;
}

const pagePath = (media) => media.page_path ?? media.pagepath ?? "";

function Card({ kind, title, detail, href }) {
  const inside = html`
    <strong>${title || t(`type.${kind}`)}</strong>
    ${detail && html`<span class="dim">${detail}</span>`}
    <small class="dim">${t(`type.${kind}`)}</small>`;
  return /^https?:\/\//i.test(href ?? "")
    ? html`<a class="attached" href=${href} target="_blank" rel="noopener noreferrer">${inside}</a>`
    : html`<div class="attached">${inside}</div>`;
}
