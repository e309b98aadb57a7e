// Why something did not work, in words. Codes are for machines and are never shown.

import { has, language, t } from "./words.js";

// Why WeChat did not take something: `from` carries the words in both languages where they are known.
export function platformWords(from) {
  return (language.value === "en" && from?.reason_en) || from?.reason || t("status.noReason");
}

export function problemWords(problem) {
  const { code, body = {} } = problem;
  if (body.reason || code === "platform_refused") return t("problem.platform_refused", { reason: platformWords(body) });
  if (code === "invalid") return invalidWords(body.errors ?? []);
  const key = `problem.${code}`;
  return has(key) ? t(key, { open: body.open ?? "" }) : t("problem.unexpected");
}

// Names the first field that has a name on the pages; "rules.0.when" is known by its last known part.
function invalidWords(errors) {
  const parts = errors.flatMap(({ field }) => field.split(".").reverse());
  const known = parts.find((part) => has(`field.${part}`));
  return known ? t("problem.invalid_field", { field: t(`field.${known}`) }) : t("problem.invalid");
}
