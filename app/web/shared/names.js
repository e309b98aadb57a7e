// How people and groups are called on the page, and what an account may send.

import { t } from "./words.js";
import { state } from "./store.js";

const TAIL = 4;

// Nicknames are no longer given out by WeChat: the remark, else the openid's tail.
export function customerName(session) {
  return session.customer.remark || t("customer.name", { tail: session.openid.slice(-TAIL) });
}

// Whether WeChat takes messages of the type from the conversation's account: mini programs send fewer.
export function maySend(session, type) {
  const sends = state.value.me?.accounts?.find((one) => one.appid === session.appid)?.sends;
  return !sends || sends.includes(type);
}

export function agentName(kfAccount) {
  if (!kfAccount) return "";
  return state.value.agents[kfAccount]?.nickname || kfAccount.split("@")[0];
}

export function groupName(name) {
  const group = state.value.groups.find((one) => one.name === name);
  return group?.title || (name === "general_support" ? t("group.default") : name);
}
