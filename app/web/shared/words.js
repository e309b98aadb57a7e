// The words of the page in the language the person chose; Chinese first.

import { signal } from "../vendor/signals.js";
import en from "./words.en.js";
import zh from "./words.zh.js";

const TABLES = { zh, en };
const KEPT = "kf.language";

export const language = signal(asked());

export function t(key, values = {}) {
  const text = TABLES[language.value][key] ?? TABLES.zh[key] ?? "";
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export const has = (key) => key in TABLES.zh;

export function switchLanguage() {
  speak(language.value === "zh" ? "en" : "zh");
  try {
    localStorage.setItem(KEPT, language.value);
  } catch {
    // Storage is refused in some private windows: the choice lasts as long as the page.
  }
}

// Another tab was switched.
globalThis.addEventListener?.("storage", ({ key, newValue }) => key === KEPT && TABLES[newValue] && speak(newValue));

function speak(wanted) {
  language.value = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
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
