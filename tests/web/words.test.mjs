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

const TERMS = {
  "state.WAITING": "排队中", "state.SERVING": "接待中", "state.TRANSFERING": "转接中", "state.CLOSED": "已结束",
  "list.take": "接入", "chat.transfer": "转接", "chat.close": "结束会话", "card.notes": "内部备注", "watch.whisper": "悄悄话",
  "watch.takeover": "接管", "role.supervisor": "组长", "account.seats": "接待上限", "col.group": "客服组",
  "presence.online": "在线", "presence.away": "小休", "presence.offline": "离线", "console.dead": "发送失败",
  "compose.canned": "快捷回复", "chat.why": "为什么是我",
};

test("the terms are those the field knows", () => {
  for (const [key, text] of Object.entries(TERMS)) assert.equal(zh[key], text, key);
  assert.match(zh["budget.line"], /^还可回复 \{n\} 条/);
  assert.match(zh["readonly.window"], /回复时限/);
  assert.match(zh["card.rating"], /^满意度/);
});

test("whoever reads is addressed 您", () => {
  for (const [key, text] of Object.entries(zh)) assert.doesNotMatch(text, /你/, key);
});
