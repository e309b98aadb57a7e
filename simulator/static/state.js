// What the phone knows. Demo customers have fixed openids, so every page shows the same people.
// An agent sees the last four characters of an openid: the letter is the last one.

export const FIRST_LETTERS = "ABC";
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

export const openidOf = (letter) => "oDemoCustomer".padEnd(27, "0") + letter;

export const state = {
  account: { name: "", menu: [] },
  letters: [...FIRST_LETTERS],
  active: "A",
  turn: 0,
  lines: [],
  follower: null,
  typing: false,
  seen: {},
  latest: {},
};
