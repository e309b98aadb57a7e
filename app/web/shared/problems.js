// Why something did not work, in words. Codes are for machines and are never shown.

import { has, t } from "./words.js";

export function problemWords(problem) {
  const { code, body = {} } = problem;
  const fromPlatform = body.reason ?? (code === "platform_refused" ? body.detail : "");
  if (fromPlatform) return t("problem.platform_refused", { reason: fromPlatform });
  const key = `problem.${code}`;
  return has(key) ? t(key, { open: body.open ?? "" }) : t("problem.unexpected");
}
