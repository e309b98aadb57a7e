// One transcript line as DOM. Text nodes only: nothing a message says becomes markup.

import { words } from "./i18n.js";

export function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

const LINK = /<a\s+[^>]*?href="([^"]*)"[^>]*>([^<]*)<\/a>/gi;

// Text in which WeChat's <a href> links work, msgmenu links included.
function richText(text, onOption) {
  const box = element("div", "bubble");
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    box.append(text.slice(at, match.index));
    box.append(link(match[1], match[2], onOption));
    at = match.index + match[0].length;
  }
  box.append(text.slice(at));
  return box;
}

function link(href, label, onOption) {
  const menu = href.match(/^weixin:\/\/bizmsgmenu\?(.*)$/);
  if (menu) {
    const query = new URLSearchParams(menu[1].replaceAll("&amp;", "&"));
    return option({ id: query.get("msgmenuid"), content: query.get("msgmenucontent") ?? label }, onOption, label);
  }
  const node = element("a", "", label);
  if (/^https?:\/\//i.test(href)) {
    node.href = href;
    node.target = "_blank";
    node.rel = "noopener noreferrer";
  }
  return node;
}

function option(item, onOption, label = item.content) {
  const node = element("button", "option", label);
  node.type = "button";
  node.addEventListener("click", () => onOption(item));
  return node;
}

function card(title, detail) {
  const node = element("div", "card");
  node.append(element("b", "", title || "—"), element("span", "", detail || ""));
  return node;
}

function menuBubble(line, onOption) {
  const node = element("div", "bubble", line.text);
  for (const item of line.list) node.append(option(item, onOption));
  if (line.tail) node.append(element("div", "", line.tail));
  return node;
}

function picture(line) {
  const node = element("img", "picture");
  node.src = line.media_url;
  node.alt = words().image;
  return node;
}

function clip(line) {
  const node = element("video", "picture");
  node.src = line.media_url;
  node.controls = true;
  node.preload = "metadata";
  return node;
}

function content(line, onOption) {
  const t = words();
  if (line.type === "text") {
    return line.direction === "out" ? richText(line.text, onOption) : element("div", "bubble", line.text);
  }
  if (line.type === "image" && line.media_url) return picture(line);
  if (line.type === "msgmenu") return menuBubble(line, onOption);
  if (line.type === "voice") return element("div", "bubble", `▶ ${t.voice}`);
  if (line.type === "video" || line.type === "shortvideo") return line.media_url ? clip(line) : card(t.video, line.text);
  if (line.type === "location") return card(t.location, line.text);
  if (line.type === "link" || line.type === "file") return card(line.text, t[line.type]);
  if (line.type === "miniprogrampage") return card(line.text, t.page);
  if (line.type === "news") return card(line.text, line.articles[0].description);
  return element("div", "bubble", [t.unsupported, line.text].filter(Boolean).join(" "));
}

function eventWords(line) {
  const t = words();
  const key = line.event_key;
  if (line.event === "CLICK") return t.tapped(key);
  if (line.event === "VIEW") return t.opened(key);
  if (line.event === "subscribe") return t.followed;
  if (line.event === "unsubscribe") return t.left;
  return line.event === "SCAN" ? t.scanned(key) : t.other;
}

function avatar(line, names) {
  if (line.direction === "in") return element("div", "avatar customer", names.customer.slice(-1));
  const node = element("div", line.kf_nick ? "avatar agent" : "avatar");
  if (line.avatar_url) {
    const image = element("img");
    image.src = line.avatar_url;
    image.alt = "";
    node.append(image);
  } else {
    node.textContent = (line.kf_nick || names.account).slice(0, 1);
  }
  return node;
}

export function drawLine(line, names, onOption) {
  if (line.direction === "system") return element("p", "grey", line.text);
  if (line.type === "event") return element("p", "note", eventWords(line));
  const row = element("div", line.direction === "in" ? "row mine" : "row");
  const side = element("div", "side");
  if (line.kf_nick) side.append(element("p", "nick", line.kf_nick));
  side.append(content(line, onOption));
  row.append(avatar(line, names), side);
  return row;
}

export function drawTime(ms) {
  const moment = new Date(ms).toLocaleTimeString("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit" });
  return element("p", "note", moment);
}
