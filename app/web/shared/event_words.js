// What a customer did, in a sentence: the kind of the event, and what the push said of it.

import { has, t } from "./words.js";

const FEN = 100;

const DETAILS = {
  user_enter_tempsession: (media) => media.session_from,
  scancode_push: (media) => media.scan_result,
  scancode_waitmsg: (media) => media.scan_result,
  pic_sysphoto: pictures,
  pic_photo_or_album: pictures,
  pic_weixin: pictures,
  view_miniprogram: (media) => media.event_key,
  VIEW: (media) => media.event_key,
  update_member_card: ({ bonus, balance }) => (bonus || balance) && t("did.card", { bonus: bonus || 0, balance: balance || 0 }),
  user_pay_from_pay_cell: ({ fee }) => fee != null && t("did.yuan", { n: (fee / FEN).toFixed(2) }),
  merchant_order: ({ detail }) => detail && t("did.order", { n: detail }),
  user_authorize_invoice: ({ detail, failed }) =>
    failed ? t("did.unauthorised", { n: failed }) : detail && t("did.order", { n: detail }),
  add_express_path: ({ waybill, detail }) => (waybill && detail ? t("did.parcel", { n: waybill, text: detail }) : waybill || detail),
};

export function eventWords(media) {
  const { event = "", event_key: key = "" } = media;
  const known = `event.${event}`;
  const done = has(known) && event !== "other" ? t(known, { key }) : t("event.other", { event });
  const detail = DETAILS[event] ? DETAILS[event](media) : media.detail;
  return detail ? t("did.detail", { done, detail }) : done;
}

// The place that was chosen, as a location's card shows it: its name before its address.
export function placeOf({ location: { poi_name: name, label, lat, lon } }) {
  return { label: [name, label].filter(Boolean).join(" "), lat, lon };
}

function pictures({ count, pictures: sums = [] }) {
  const n = count ?? sums.length;
  return n ? t("did.pictures", { n }) : "";
}
