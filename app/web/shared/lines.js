// System lines: a code and its values, put into words.

import { has, t } from "./words.js";
import { agentName, groupName } from "./names.js";

const LINES = {
  closed: ({ reason, by }) => t("line.closed", { reason: known("closed", reason, "line.other", { by: agentName(by) }) }),
  taken: ({ by }) => t("line.taken", { by: agentName(by) }),
  moved: movedWords,
  transfer_asked: ({ by, to, note }) =>
    t(note ? "line.transfer_askedNote" : "line.transfer_asked", { by: agentName(by), to: agentName(to), note }),
  transfer_failed: ({ to, why }) => t("line.transfer_failed", { to: agentName(to), why: whyWords(why) }),
  handed_on: ({ from, to }) => t("line.handed_on", { from: groupName(from), to: groupName(to) }),
  unanswered: ({ waited_s }) => t("line.unanswered", { minutes: Math.max(1, Math.round(waited_s / 60)) }),
  whisper: ({ by, text }) => t("line.whisper", { by: agentName(by), text }),
  notice_not_sent: ({ text }) => t("line.notice_not_sent", { text }),
};

export function lineWords(message) {
  const words = LINES[message.code];
  return words ? words(message.values ?? {}) : t("line.other");
}

function movedWords({ by, to, note, why }) {
  const names = { by: agentName(by), to: agentName(to), note, why: whyWords(why) };
  if (why === "transfer") return t(note ? "line.movedNote" : "line.moved", names);
  const key = why === "assigned" || why === "takeover" ? `line.${why}` : to ? "line.movedAway" : "line.requeued";
  const moved = t(key, names);
  return note ? t("line.withNote", { moved, note }) : moved;
}

function whyWords(why) {
  return known("why", why, "why.other", {});
}

function known(table, name, otherwise, values) {
  const key = `${table}.${name}`;
  return has(key) ? t(key, values) : t(otherwise);
}
