import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import en from "../../app/web/shared/words.en.js";
import zh from "../../app/web/shared/words.zh.js";

const WEB = new URL("../../app/web/", import.meta.url);
const NAMES = /\b(Enter|Shift|Ctrl|Esc|Alt|MB|JPG|PNG|GIF|AMR|MP3|MP4|EN|openid|CSV|admin|agent1)\b/g;

function sources() {
  const files = readdirSync(WEB, { recursive: true }).filter((name) => /^(shared|desk|admin)\/.*\.js$/.test(name));
  return files.map((name) => [name, readFileSync(new URL(name, WEB), "utf8")]);
}

test("both languages have the same keys", () => {
  assert.deepEqual(Object.keys(en).sort(), Object.keys(zh).sort());
});

test("both languages fill in the same values", () => {
  const names = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  for (const key of Object.keys(zh)) assert.deepEqual(names(en[key]), names(zh[key]), key);
});

test("the Chinese words hold no English word but names", () => {
  for (const [key, text] of Object.entries(zh)) {
    const rest = text.replace(/\{\w+\}/g, "").replace(NAMES, "");
    assert.doesNotMatch(rest, /[A-Za-z]{2,}/, key);
  }
});

test("the Chinese words use full-width punctuation", () => {
  for (const [key, text] of Object.entries(zh)) assert.doesNotMatch(text, /[\u4e00-\u9fff][,;:!?()]/, key);
});

test("customers are 客户 everywhere", () => {
  for (const [key, text] of Object.entries(zh)) assert.doesNotMatch(text, /访客|用户(?!名)|粉丝/, key);
});

test("every key that the pages ask for exists", () => {
  for (const [name, text] of sources()) {
    for (const [, key] of text.matchAll(/\bt\("([\w.]+)"/g)) assert.ok(key in zh, `${name}: ${key}`);
  }
});

test("no words stand in the pages themselves", () => {
  for (const [name, text] of sources()) {
    if (!name.includes("words.")) assert.doesNotMatch(text, /[\u4e00-\u9fff]/, name);
  }
});
