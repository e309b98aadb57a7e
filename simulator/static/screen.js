// Everything the phone shows, drawn from the state.

import { htmlLanguage, words } from "./i18n.js";
import { drawLine, drawTime, element } from "./lines.js";
import { state } from "./state.js";

const TIME_GAP_MS = 5 * 60_000;

export const at = (id) => document.getElementById(id);

function letterName(letter) {
  return words().customer + letter;
}

export function drawTabs(on) {
  const tabs = state.letters.map((letter) => {
    const tab = element("button", "tab", letterName(letter));
    const news = (state.latest[letter] ?? 0) > (state.seen[letter] ?? 0);
    tab.type = "button";
    tab.role = "tab";
    tab.ariaSelected = String(letter === state.active);
    tab.classList.toggle("unread", letter !== state.active && news);
    tab.addEventListener("click", () => on.choose(letter));
    return tab;
  });
  at("tabs").replaceChildren(...tabs);
}

export function drawChat(on) {
  const chat = at("chat");
  const names = { customer: letterName(state.active), account: state.account.name };
  const nodes = [];
  let last = 0;
  for (const line of state.lines) {
    if (line.time_ms - last > TIME_GAP_MS) nodes.push(drawTime(line.time_ms));
    last = line.time_ms;
    nodes.push(drawLine(line, names, (item) => on.act({ text: item.content, menu_id: item.id ?? "" })));
  }
  chat.replaceChildren(...(nodes.length ? nodes : [element("p", "empty", words().empty)]));
  chat.scrollTop = chat.scrollHeight;
  for (const image of chat.querySelectorAll("img.picture")) {
    image.addEventListener("load", () => { chat.scrollTop = chat.scrollHeight; }, { once: true });
  }
}

export function drawState() {
  const t = words();
  const follower = state.follower;
  const following = follower?.subscribed ?? true;
  const left = follower?.budget.remaining ?? 0;
  at("name").textContent = state.typing ? t.typing : state.account.name;
  at("budget").textContent = !following ? t.left : left ? t.budget(left) : t.noBudget;
  for (const node of [at("text"), at("send"), ...at("menu").children]) node.disabled = !following;
  for (const node of at("panel").children) {
    node.disabled = node.dataset.when === "always" ? false : (node.dataset.when === "left") === following;
  }
}

function drawFixed(on) {
  const t = words();
  document.documentElement.lang = htmlLanguage();
  document.title = t.title;
  at("send").textContent = t.send;
  at("text").placeholder = t.placeholder;
  at("text").ariaLabel = t.placeholder;
  at("more").ariaLabel = t.more;
  at("add").title = t.add;
  at("add").ariaLabel = t.add;
  at("language").textContent = t.other_language;
  at("language").ariaLabel = t.switchTo;
  at("chat").ariaLabel = t.messages;
  at("menu").replaceChildren(...state.account.menu.map(({ label, event, event_key }) => {
    return button(label, () => on.act({ event, event_key }));
  }));
  drawPanel(t, on);
}

function drawPanel(t, on) {
  const follow = button(t.follow, () => on.act({ event: "subscribe" }));
  const scan = button(t.scan, () => on.act(
    state.follower?.subscribed ? { event: "SCAN", event_key: "42" } : { event: "subscribe", event_key: "qrscene_42" },
  ));
  follow.dataset.when = "left";
  scan.dataset.when = "always";
  at("panel").replaceChildren(
    button(t.image, () => on.act({ type: "image" })),
    button(t.own, () => on.pickFile()),
    button(t.voice, () => on.act({ type: "voice" })),
    button(t.location, () => on.act({ type: "location" })),
    button(t.video, () => on.act({ type: "video" })),
    scan,
    follow,
    button(t.unfollow, () => on.act({ event: "unsubscribe" })),
  );
}

function button(label, onClick) {
  const node = element("button", "", label);
  node.type = "button";
  node.addEventListener("click", onClick);
  return node;
}

// `on` is what the page does: choose(letter), act(spec), pickFile().
export function drawAll(on) {
  drawTabs(on);
  drawFixed(on);
  drawChat(on);
  drawState();
}
