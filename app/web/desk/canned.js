// Canned replies: fetched once, found by what follows the slash, names filled in.

import { call, get, patch, post } from "../shared/api.js";
import { signal } from "../shared/kit.js";
import { t } from "../shared/words.js";
import { customerName } from "../shared/names.js";
import { state } from "../shared/store.js";
import { agentWord, customerWord } from "./words.canned.js";

const SHOWN = 8;

export const canned = signal(null);

export async function loadCanned() {
  canned.value ??= [];
  canned.value = await get("/canned-replies");
}

export async function saveCanned(reply, { title, text, shared }) {
  if (reply) await patch(`/canned-replies/${reply.id}`, { title, text });
  else await post("/canned-replies", { title, text, shared });
  await loadCanned();
}

export async function removeCanned(reply) {
  await call("DELETE", `/canned-replies/${reply.id}`);
  await loadCanned();
}

// What was typed after a slash at the beginning; null when the box holds something else.
export function asked(text) {
  const found = /^\/([^\s/][^\n]{0,40})?$/u.exec(text);
  return found ? (found[1] ?? "") : null;
}

// Names that begin with the words first, then names that hold them, then texts.
export function fitting(words, replies) {
  const wanted = words.trim().toLowerCase();
  const rank = ({ title, text }) => {
    const at = title.toLowerCase().indexOf(wanted);
    if (at === 0) return 0;
    if (at > 0) return 1;
    return text.toLowerCase().includes(wanted) ? 2 : 3;
  };
  const ranked = replies.map((reply) => [rank(reply), reply]).filter(([place]) => place < 3);
  return ranked.sort(([one], [other]) => one - other).slice(0, SHOWN).map(([, reply]) => reply);
}

export function filled(text, session) {
  const { me } = state.peek();
  const remark = session.customer.remark || t("customer.you");
  return text
    .replace(customerWord, () => remark || customerName(session))
    .replace(agentWord, () => me.nickname || me.kf_account.split("@")[0]);
}
