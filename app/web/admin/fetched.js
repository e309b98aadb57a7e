// What a section shows: fetched at once, again every few seconds, and soon after something happened.

import { call } from "../shared/api.js";
import { effect, useEffect, useRef, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";
import { happened } from "./live.js";

// {data, meta, problem, refresh}; the last data stays while fetching fails, `problem` says so.
export function useFetched(path, everyMs = 0, live = false) {
  const [answer, setAnswer] = useState({ data: null, meta: {} });
  const [problem, setProblem] = useState("");
  const wanted = useRef(path);
  wanted.current = path;

  async function refresh() {
    if (!path) return;
    try {
      const got = await call("GET", path);
      if (wanted.current !== path) return;
      setAnswer({ data: got.data, meta: got.meta ?? {} });
      setProblem("");
    } catch (error) {
      setProblem(problemWords(error));
    }
  }

  useEffect(() => {
    refresh();
    const timer = everyMs ? setInterval(() => document.hidden || refresh(), everyMs) : 0;
    let first = true;
    const stop = live && effect(() => {
      happened.value;
      if (!first) refresh();
      first = false;
    });
    return () => {
      clearInterval(timer);
      if (stop) stop();
    };
  }, [path]);
  return { ...answer, problem, refresh };
}
