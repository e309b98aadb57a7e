// Opening hours of a group: spans by day of the week, and by date where a day is different.

import { html, useState } from "../shared/kit.js";
import { t } from "../shared/words.js";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WORKDAY = "09:00-18:00";

export function Hours({ hours }) {
  const [limited, setLimited] = useState(Boolean(hours));
  const exceptions = Object.entries(hours?.exceptions ?? {}).map(([date, spans]) => `${date} ${spans.join(" ")}`.trim());
  return html`<fieldset class="hours"><legend>${t("group.hours")}</legend>
    <label class="option"><input type="checkbox" name="limited" checked=${limited} onChange=${(event) => setLimited(event.currentTarget.checked)} /> ${t("hours.limited")}</label>
    ${limited && html`
      <p class="dim">${t("hours.hint")}</p>
      <div class="days">${DAYS.map((day) => html`<label key=${day}>${t(`day.${day}`)}
        <input name=${`day.${day}`} defaultValue=${(hours ? hours.weekly[day] ?? [] : [WORKDAY]).join(" ")} autocomplete="off" /></label>`)}</div>
      <label>${t("hours.exceptions")}<textarea name="exceptions" rows="2">${exceptions.join("\n")}</textarea></label>`}
  </fieldset>`;
}

// What the form says, as the API takes it; null = always open.
export function hoursOf(fields, before) {
  if (!fields.get("limited")) return null;
  const weekly = {};
  for (const day of DAYS) {
    const spans = spansOf(fields.get(`day.${day}`));
    if (spans.length) weekly[day] = spans;
  }
  const exceptions = {};
  for (const line of (fields.get("exceptions") ?? "").split("\n").filter((one) => one.trim())) {
    const [date, ...spans] = spansOf(line);
    exceptions[date] = spans;
  }
  return { ...(before?.timezone && { timezone: before.timezone }), weekly, exceptions };
}

// Full-width signs are what a Chinese keyboard gives.
function spansOf(text) {
  const plain = (text ?? "").replace(/\uff1a/g, ":").replace(/[\uff0d\u2014\u2013~\uff5e\u81f3]/g, "-").replace(/[\uff0c,\u3001\uff1b;]/g, " ");
  return plain.split(/\s+/).filter(Boolean);
}
