/** uPlot with this console's colors. Loaded by `Chart` alone. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Series } from "./chart";

export interface Plot {
  x: readonly string[];
  series: readonly Series[];
  format: (value: number) => string;
  height: number;
}

const COLORS = 6;
const WIDEST_BAR = 36;
const NARROWEST_AXIS = 56; // the first label of the other axis needs some of it
const [AXIS_WIDTH, LETTER_WIDTH, NAME_MARGIN] = [56, 7, 16];
const LONE_INTERVAL_WIDTH = 4;
const TRANSPARENT = "#0000";
const DAY_LETTERS = "2026-11-28".length;
/** 1, 2, 5, 10, 20, ...: between counts there is nothing. */
const WHOLE_STEPS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

export function plot(target: HTMLElement, { x, series, format, height }: Plot): uPlot {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const times = x.map((each) => Date.parse(each) / 1000);
  const isTime = times.every((each) => !Number.isNaN(each)) && x.every((each) => /^\d{4}-\d\d-\d\d/.test(each));
  const isDays = isTime && x[0]?.length === DAY_LETTERS;
  const positions = isTime ? times : x.map((_, position) => position);

  const data: (number | null)[][] = [positions];
  const shown: uPlot.Series[] = [{ label: "", value: (_, value) => (value == null ? "" : nameOf(value)) }];
  const bands: uPlot.Band[] = [];
  for (const [position, each] of series.entries()) {
    const stroke = color(`series-${(position % COLORS) + 1}`);
    const isBars = each.kind === "bars";
    data.push([...each.values]);
    shown.push({
      label: each.label,
      stroke,
      width: isBars ? 0 : 2,
      fill: isBars ? stroke : undefined,
      spanGaps: true,
      paths: isBars ? uPlot.paths.bars?.({ size: [0.65, WIDEST_BAR], radius: 0.18 }) : undefined,
      points: { show: !isBars && x.length <= 40, size: 6, fill: color("surface"), width: 2 },
      value: (_, value: number | null) => (value == null ? "" : format(value)),
    });
    if (each.low && each.high) {
      data.push([...each.high], [...each.low]);
      const edge: uPlot.Series = { label: "", stroke: TRANSPARENT, width: 0, points: { show: false } };
      shown.push({ ...edge, class: "edge" }, { ...edge, class: "edge" });
      bands.push({ series: [data.length - 2, data.length - 1], fill: `color-mix(in srgb, ${stroke} 18%, transparent)` });
    }
  }

  function nameOf(value: number): string {
    if (!isTime) return x[value] ?? "";
    const position = positions.indexOf(value);
    const name = x[position] ?? "";
    return name.length > DAY_LETTERS ? new Date(name).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : name;
  }

  /** A band needs two points in a row; the interval of a point alone is a line. */
  function drawLoneIntervals({ ctx, valToPos }: uPlot): void {
    for (const [position, { values, low, high }] of series.entries()) {
      ctx.strokeStyle = `color-mix(in srgb, ${color(`series-${(position % COLORS) + 1}`)} 45%, transparent)`;
      ctx.lineWidth = LONE_INTERVAL_WIDTH * devicePixelRatio;
      for (const [index, value] of values.entries()) {
        const [from, to, x] = [low?.[index], high?.[index], positions[index]];
        if (value === null || from == null || to == null || x === undefined) continue;
        if (values[index - 1] != null || values[index + 1] != null) continue;
        const left = valToPos(x, "x", true);
        ctx.beginPath();
        ctx.moveTo(left, valToPos(from, "y", true));
        ctx.lineTo(left, valToPos(to, "y", true));
        ctx.stroke();
      }
    }
  }

  const isWhole = series.every((each) => each.values.every((value) => value === null || Number.isInteger(value)));
  const axis: uPlot.Axis = {
    stroke: color("muted"),
    grid: { stroke: color("line"), width: 1 },
    ticks: { show: false },
    font: `12px ${color("font")}`,
  };
  const hasBars = series.some((each) => each.kind === "bars");
  const margin = isTime && !hasBars ? 0 : stepOf(positions) / 2;
  const names: Partial<uPlot.Axis> = isTime
    ? { space: isDays ? 60 : 90, values: (_, splits) => splits.map(isDays ? dayOf : timesOf(splits)) }
    : { splits: (self) => readable(positions, x, self.width), values: (_, splits) => splits.map((each) => x[each] ?? "") };
  const options: uPlot.Options = {
    width: target.clientWidth || 600,
    height,
    series: shown,
    bands,
    hooks: { draw: [drawLoneIntervals] },
    legend: { live: true },
    cursor: { y: false, points: { size: 8 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), isDays ? "UTC" : timeZone()),
    scales: { x: { time: isTime, range: (_, low, high) => [low - margin, (positions.length > 1 ? high : low) + margin] }, y: { range: (_, low, high) => yRange(low, high) } },
    axes: [
      { ...axis, grid: { show: false }, ...names },
      { ...axis, size: (_, labels) => widthOf(labels), ...(isWhole && { incrs: WHOLE_STEPS }), values: (_, splits) => splits.map(format) },
    ],
  };
  return new uPlot(options, data as uPlot.AlignedData, target);
}

/** Nov 28 */
function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString(undefined, { month: "short", day: "numeric", timeZone: "UTC" });
}

/** Names times of day, with seconds if whole minutes would be equal. */
function timesOf([first = 0, second = 0]: readonly number[]): (seconds: number) => string {
  const hasSeconds = second - first < 60;
  return (seconds) => new Date(seconds * 1000).toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit", ...(hasSeconds && { second: "2-digit" }) });
}

/** The pixels of an axis with these labels and a gap. */
function widthOf(labels: readonly string[] | null): number {
  return Math.max(NARROWEST_AXIS, ...(labels ?? []).map((label) => 22 + LETTER_WIDTH * label.length));
}

/** Every second position, or every third and so on, so that the labels do not touch. */
function readable(positions: readonly number[], names: readonly string[], width: number): number[] {
  const longest = Math.max(...names.map(({ length }) => length)) * LETTER_WIDTH + NAME_MARGIN;
  const each = Math.ceil((positions.length * longest) / Math.max(longest, width - AXIS_WIDTH));
  return positions.filter((_, index) => (positions.length - 1 - index) % each === 0);
}

/** The distance between neighboring positions. */
function stepOf(positions: readonly number[]): number {
  const [first = 0, last = first] = [positions[0], positions.at(-1)];
  return (last - first) / Math.max(1, positions.length - 1) || 1;
}

/** Shares and counts start at zero; a constant needs some height. */
function yRange(low: number | null, high: number | null): [number, number] {
  const [bottom, top] = [Math.min(0, low ?? 0), high ?? 1];
  return [bottom, top > bottom ? top + (top - bottom) * 0.08 : bottom + 1];
}

function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
