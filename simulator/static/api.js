// The simulator's API for programs, as the phone uses it.

// The simulator's own words are for programs; the page has words of its own.
export class Refused extends Error {
  constructor(status) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

const appid = new URLSearchParams(location.search).get("appid");

async function call(method, path, body) {
  const url = new URL(path, location.href);
  if (appid) url.searchParams.set("appid", appid);
  const answer = await fetch(url, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  if (!answer.ok) throw new Refused(answer.status);
  return answer.json();
}

const of = (openid) => `sim/api/followers/${encodeURIComponent(openid)}`;

export const account = () => call("GET", "sim/api/account");
export const followers = async () => (await call("GET", "sim/api/followers")).data;
export const createFollower = (openid, remark) => call("POST", "sim/api/followers", { openid, remark });
export const transcript = (openid, after) => call("GET", `${of(openid)}/transcript?after=${after}`);
export const act = (openid, spec) => call("POST", `${of(openid)}/messages`, spec);
