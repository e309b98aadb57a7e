// What a section shows, fetched at once and again every few seconds while it is on screen.

import { get } from "../shared/api.js";
import { useEffect, useState } from "../shared/kit.js";
import { problemWords } from "../shared/problems.js";

// {data, problem, refresh}; the last data stays while fetching fails, `problem` says so.
export function useFetched(path, everyMs = 0) {
  const [data, setData] = useState(null);
  const [problem, setProblem] = useState("");

  async function refresh() {
    try {
      setData(await get(path));
      setProblem("");
    } catch (error) {
      setProblem(problemWords(error));
    }
  }

  useEffect(() => {
    refresh();
    const timer = everyMs ? setInterval(() => document.hidden || refresh(), everyMs) : 0;
    return () => clearInterval(timer);
  }, [path]);
  return { data, problem, refresh };
}
