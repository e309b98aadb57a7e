// What was begun and not sent, per conversation; it outlasts a reload.

import { effect, signal } from "../shared/kit.js";
import { keep, recall } from "../shared/kept.js";
import { state } from "../shared/store.js";

const KEPT_MAX = 200;

export const drafts = signal({});

export const draftOf = (id) => drafts.value[id] ?? "";

export function setDraft(id, text) {
  const { [id]: _, ...others } = drafts.peek();
  drafts.value = text ? { ...others, [id]: text } : others;
  keep("drafts", Object.fromEntries(Object.entries(drafts.peek()).slice(-KEPT_MAX)));
}

export function keepDrafts() {
  let whose = "";
  effect(() => {
    const who = state.value.me?.kf_account ?? "";
    if (who === whose) return;
    whose = who;
    drafts.value = who ? recall("drafts", {}) : {};
  });
}
