// What the phone knows. Demo customers have fixed openids, so every page shows the same people.

export const FIRST_LETTERS = "ABC";
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

export const openidOf = (letter) => `oDemoCustomer${letter}`.padEnd(28, "0");

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
