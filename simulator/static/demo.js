// Phone and desk side by side, with three steps in both languages.

import { htmlLanguage, onSwitch, switchLanguage, words, wordsOf } from "./i18n.js";

const at = (id) => document.getElementById(id);

function step(name) {
  const row = document.createElement("li");
  const other = document.createElement("small");
  row.textContent = words()[name];
  other.textContent = wordsOf(htmlLanguage() === "en" ? "zh" : "en")[name];
  row.append(other);
  return row;
}

function draw() {
  const t = words();
  document.documentElement.lang = htmlLanguage();
  document.title = t.demo;
  at("steps").replaceChildren(...["step1", "step2", "step3"].map(step));
  at("alone").textContent = t.openDesk;
  at("language").textContent = t.other_language;
  at("phone").title = t.phoneFrame;
  at("desk").title = t.deskFrame;
}

at("language").addEventListener("click", () => {
  switchLanguage();
  draw();
});
onSwitch(draw);
draw();
