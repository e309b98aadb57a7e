// Phone and desk side by side, with three steps in both languages that are ticked off as they are done.

import { htmlLanguage, onSwitch, switchLanguage, words, wordsOf } from "./i18n.js";

const STEPS = ["step1", "step2", "step3"];
const LOOK_MS = 700;

// How far the newcomer is, as the two pages themselves show it.
const DONE = {
  step1: () => inside("desk", ".segments"),
  step2: () => inside("phone", ".mine"),
  step3: () => inside("phone", ".nick"),
};

const at = (id) => document.getElementById(id);
const inside = (id, what) => Boolean(at(id).contentDocument?.querySelector(what));
const done = new Set();

function step(name) {
  const row = document.createElement("li");
  const other = document.createElement("small");
  row.textContent = words()[name];
  row.dataset.done = done.has(name);
  other.textContent = wordsOf(htmlLanguage() === "en" ? "zh" : "en")[name];
  other.lang = htmlLanguage() === "en" ? "zh-CN" : "en";
  row.append(other);
  return row;
}

function drawSteps() {
  at("steps").replaceChildren(...STEPS.map(step));
}

function drawSides() {
  const t = words();
  const names = { phone: t.phoneFrame, desk: t.deskFrame };
  at("sides").ariaLabel = t.sides;
  for (const button of at("sides").children) {
    button.textContent = names[button.dataset.side];
    button.ariaPressed = String(button.dataset.side === document.body.dataset.side);
    if (button.ariaPressed === "true") delete button.dataset.news;
  }
}

function draw() {
  const t = words();
  document.documentElement.lang = htmlLanguage();
  document.title = t.demo;
  at("title").textContent = t.demo;
  at("alone").textContent = t.openDesk;
  at("console").textContent = t.openConsole;
  at("language").textContent = t.other_language;
  at("language").ariaLabel = t.switchTo;
  at("phone").title = t.phoneFrame;
  at("desk").title = t.deskFrame;
  drawSteps();
  drawSides();
}

// On a narrow screen one side is seen at a time: the other one's tab says that something came.
function noteNews() {
  const hidden = document.body.dataset.side === "desk" ? "phone" : "desk";
  const news = hidden === "desk" ? /^\(\d/.test(at("desk").contentDocument?.title ?? "") : inside("phone", ".tab.unread");
  at("sides").querySelector(`[data-side=${hidden}]`).dataset.news = news;
}

function look() {
  const before = done.size;
  for (const name of STEPS) if (!done.has(name) && DONE[name]()) done.add(name);
  if (done.size !== before) drawSteps();
  noteNews();
}

at("language").addEventListener("click", () => {
  switchLanguage();
  draw();
});
at("sides").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  document.body.dataset.side = button.dataset.side;
  drawSides();
});
onSwitch(draw);
draw();
setInterval(look, LOOK_MS);
