// A coloured sign made from the openid: WeChat gives out no pictures any more.

import { html } from "../shared/kit.js";

const COLOURS = 6;

// The first letter of a remark, or the last two of the openid.
export function Avatar({ openid, remark }) {
  let sum = 0;
  for (const letter of openid) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return html`<span class="avatar" data-colour=${sum % COLOURS} aria-hidden="true">${remark ? [...remark][0] : openid.slice(-2)}</span>`;
}
