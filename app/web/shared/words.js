// The words of the page in the language the person chose; Chinese first. The other table comes when it is asked for.

import { signal } from "../vendor/signals.js";

const TABLES = {
  zh: () => import("./words.zh.js"),
  en: () => import("./words.en.js"),
};
const KEPT = "kf.language";

const known = {};

export const language = signal(asked());

await learn(language.value);

export function t(key, values = {}) {
  const text = known[language.value][key] ?? "";
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export const has = (key) => key in known[language.value];

export async function switchLanguage() {
  await speak(language.value === "zh" ? "en" : "zh");
  try {
    localStorage.setItem(KEPT, language.value);
  } catch {
    // Storage is refused in some private windows: the choice lasts as long as the page.
  }
}

// Another tab was switched.
globalThis.addEventListener?.("storage", ({ key, newValue }) => key === KEPT && TABLES[newValue] && speak(newValue));

async function speak(wanted) {
  await learn(wanted);
  language.value = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
}

async function learn(wanted) {
  known[wanted] ??= (await TABLES[wanted]()).default;
}

function asked() {
  const wanted = new URLSearchParams(globalThis.location?.search).get("lang");
  return TABLES[wanted] ? wanted : kept();
}

function kept() {
  try {
    return localStorage.getItem(KEPT) === "en" ? "en" : "zh";
  } catch {
    return "zh";
  }
}
