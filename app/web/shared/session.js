// Signing in and out, and the agent's status.

import { get, post, Problem, put, useCsrfToken, whenSignedOut } from "./api.js";
import { ours } from "./place.js";
import { problemWords } from "./problems.js";
import { dispatch, selectedId, state, trouble } from "./store.js";

const SIGNED_IN = ours("kf.signed_in");

let start = () => {};
let stop = () => {};

// What the page does once somebody is signed in, and when they no longer are.
export function whenSignedIn(starts, stops) {
  start = starts;
  stop = stops;
}

// Goes on with the login this browser holds. Without one nothing is asked: a 401 is an error in the console.
export async function resume() {
  if (recall(SIGNED_IN) === "no") return;
  try {
    begin(await get("/me"));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status !== 401) throw problem;
  }
}

export async function signIn(username, password) {
  await post("/login", { username, password });
  begin(await get("/me"));
}

export async function signOut() {
  await post("/logout").catch(() => {});
  end();
}

// Answers the number of open conversations when they stand in the way of going offline, else 0.
export async function setStatus(status, handOver = false) {
  trouble.value = "";
  try {
    await put("/me/presence", { status, hand_over: handOver });
    dispatch({ type: "me.changed", me: { status } });
  } catch (problem) {
    if (problem.code === "conversations_open") return problem.body.open ?? problem.body.conversations ?? 1;
    trouble.value = problemWords(problem);
  }
  return 0;
}

function begin(answer) {
  recall(SIGNED_IN, "yes");
  useCsrfToken(answer.csrf_token);
  dispatch({ type: "signed_in", me: answer });
  start();
}

function end() {
  recall(SIGNED_IN, "no");
  stop();
  selectedId.value = "";
  dispatch({ type: "signed_out" });
}

whenSignedOut(() => state.value.me && end());

// Reads, or with a value writes; a browser without storage remembers nothing.
function recall(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    return localStorage.getItem(name) ?? "no";
  } catch {
    return "";
  }
}
