// A table that stays readable on a phone: it scrolls by itself, not the page.

import { html } from "../shared/kit.js";
import { t } from "../shared/words.js";

// `columns`: [key of the heading, row => cell].
export function Table({ columns, rows, empty, name }) {
  if (!rows.length) return html`<p class="empty">${empty}</p>`;
  return html`<div class="table" tabindex="0" role="region" aria-label=${name ?? t(columns[0][0])}><table>
    <thead><tr>${columns.map(([key]) => html`<th key=${key} scope="col">${t(key)}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`
      <tr key=${row.kf_account ?? row.name ?? row.id}>${columns.map(([key, cell]) => html`<td key=${key}>${cell(row)}</td>`)}</tr>`)}
    </tbody>
  </table></div>`;
}

export function Loading({ data, problem }) {
  if (data && !problem) return "";
  return html`<p class=${problem ? "bad" : ""} role="status">${problem || t("app.loading")}</p>`;
}
