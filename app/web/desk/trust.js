// Whether the event stream comes through. That it is open proves nothing: a scanner, a NAT or a phone that slept
// may swallow what is sent on it without closing it. The server beats every 10 s; two missed beats are a verdict.

export const QUIET_MS = 18_000;
export const QUIET_MOST_MS = 150_000;
// A buffering proxy lets the greeting through and nothing after it, so only a later beat proves the stream.
export const PROVEN_MS = 5_000;

export const TRUSTED = { askedAt: 0, openedAt: 0, heardAt: 0, trusted: true, quietMs: QUIET_MS };

export const asked = (trust, nowMs) => ({ ...trust, askedAt: nowMs, openedAt: nowMs });

export const opened = (trust, nowMs) => ({ ...trust, openedAt: nowMs });

export function heard(trust, nowMs) {
  const trusted = trust.trusted || nowMs - trust.openedAt >= PROVEN_MS;
  return { ...trust, heardAt: nowMs, trusted, quietMs: trusted ? QUIET_MS : trust.quietMs };
}

export const isQuiet = (trust, nowMs) => nowMs - Math.max(trust.askedAt, trust.heardAt) > trust.quietMs;

// Each stream that the network swallows stays open on the server for minutes: the next is asked for less soon.
export function doubted(trust) {
  const quietMs = trust.trusted ? QUIET_MS : Math.min(2 * trust.quietMs, QUIET_MOST_MS);
  return { ...trust, trusted: false, quietMs };
}
