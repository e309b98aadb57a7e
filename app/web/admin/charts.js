// The last hours as lines, drawn by uPlot, which is loaded when it is first needed.

import { html, useEffect, useRef, useState } from "../shared/kit.js";
import { clockTime } from "../shared/time.js";
import { t } from "../shared/words.js";

const HEIGHT_PX = 170;
const SECOND_MS = 1_000;

const CHARTS = [
  { name: "traffic", lines: [["callbacks", "--blue"], ["sent", "--green"], ["failed", "--red"]] },
  { name: "people", lines: [["waiting", "--amber"], ["serving", "--green"]] },
  { name: "answer", lines: [["first_reply_ms", "--blue"]], unit: SECOND_MS },
];

export function Charts({ series }) {
  const [Plot, setPlot] = useState(null);
  useEffect(() => {
    import("../vendor/uplot.js").then((module) => setPlot(() => module.default));
  }, []);
  return html`<div class="charts">${CHARTS.map((chart) => html`
    <figure class="chart" key=${chart.name}>
      <figcaption><strong>${t(`chart.${chart.name}`)}</strong> ${chart.lines.map(([name, colour]) => html`
        <span class="key" key=${name} data-colour=${colour.slice(2)}>${t(`chart.${name}`)}${" "}<b>${latest(series, name, chart.unit)}</b></span>`)}
      </figcaption>
      ${Plot && html`<${Lines} Plot=${Plot} chart=${chart} series=${series} />`}
    </figure>`)}</div>`;
}

function Lines({ Plot, chart, series }) {
  const box = useRef(null);
  const plot = useRef(null);
  const data = pointsOf(chart, series);
  useEffect(() => {
    const place = box.current;
    if (!place) return undefined;
    const width = () => Math.max(200, place.clientWidth);
    const draw = () => {
      plot.current?.destroy();
      plot.current = new Plot(optionsOf(chart, width()), data, place);
    };
    draw();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const watch = new ResizeObserver(() => plot.current.setSize({ width: width(), height: HEIGHT_PX }));
    watch.observe(place);
    dark.addEventListener("change", draw);
    return () => {
      watch.disconnect();
      dark.removeEventListener("change", draw);
      plot.current.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(data);
  }, [series]);
  return html`<div ref=${box} class="plot" role="img" aria-label=${t(`chart.${chart.name}`)}></div>`;
}

// The running minute is not whole yet, so that it would always look like a fall.
function pointsOf(chart, series) {
  const length = series.callbacks.length - 1;
  const times = Array.from({ length }, (_, at) => (series.start_ms + at * series.step_ms) / SECOND_MS);
  return [times, ...chart.lines.map(([name]) =>
    series[name].slice(0, length).map((n) => (n === null ? null : n / (chart.unit ?? 1))))];
}

function latest(series, name, unit = 1) {
  const known = series[name].filter((n) => n !== null);
  const last = known.at(-1) ?? 0;
  return unit === 1 ? last : t("chart.seconds", { n: Math.round(last / unit) });
}

function optionsOf(chart, width) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, low, high) => [0, Math.max(4, Math.ceil((high ?? 0) * 1.1))] } },
    axes: [
      { ...axis, size: 32, values: (_, times) => times.map((s) => clockTime(s * SECOND_MS)) },
      { ...axis, size: 44, values: (_, numbers) => numbers.map((n) => (Number.isInteger(n) ? n : "")) },
    ],
    series: [{}, ...chart.lines.map(([name, stroke]) => ({
      label: t(`chart.${name}`), stroke: colour(stroke), width: 2, spanGaps: name === "first_reply_ms", points: { size: 4 },
    }))],
  };
}
