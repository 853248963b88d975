/** Lines and bars with intervals, drawn by uPlot, which is loaded with the first chart; a table has the same numbers, the newest first. */
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { decimal, NOTHING, short } from "../format";
import { theme } from "../theme";

const DAY = /^\d{4}-\d\d-\d\d/;

export interface Series {
  label: string;
  values: readonly (number | null)[];
  /** The bounds of an interval around each value, drawn as a band. */
  low?: readonly (number | null)[];
  high?: readonly (number | null)[];
  kind?: "line" | "bars";
}

interface ChartProps {
  /** What the chart shows, as a sentence for screen readers. */
  label: string;
  /** Days (`2026-11-28`), times (`2026-11-28T10:00:00Z`) or names. */
  x: readonly string[];
  series: readonly Series[];
  format?: (value: number) => string;
  height?: number;
}

/** `<Chart label="Events by day" x={days} series={[{ label: "Events", values, kind: "bars" }]} />` */
export function Chart({ label, x, series, format = defaultFormat, height = 220 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const content = JSON.stringify([x, series]);
  const rows = x.map((name, row) => ({ name, row }));
  if (DAY.test(x[0] ?? "")) rows.reverse(); // what is new is read first
  useEffect(() => {
    const target = place.current;
    if (!target || !x.length) return;
    let chart: uPlot | undefined;
    let isGone = false;
    const resizing = new ResizeObserver(() => chart?.setSize({ width: target.clientWidth, height }));
    void import("./plot").then(({ plot }) => {
      if (isGone) return;
      chart = plot(target, { x, series, format, height });
      resizing.observe(target);
    });
    return () => {
      isGone = true;
      resizing.disconnect();
      chart?.destroy();
    };
  }, [content, height, theme.value]);
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={label} style={{ minHeight: `${height}px` }} />
      <details>
        <summary>Show as table</summary>
        <div class="table" role="region" aria-label={`${label}, as a table`} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col"><span class="hidden-text">Point</span></th>
                {series.map((each) => <th key={each.label} scope="col" class="right">{each.label}</th>)}
              </tr>
            </thead>
            <tbody>
              {rows.map(({ name, row }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {series.map((each) => <td key={each.label} class="right number">{cell(each, row, format)}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function cell({ values, low, high }: Series, row: number, format: (value: number) => string): string {
  const value = values[row];
  const [from, to] = [low?.[row], high?.[row]];
  if (value == null) return NOTHING;
  return from == null || to == null ? format(value) : `${format(value)} (${format(from)} to ${format(to)})`;
}

function defaultFormat(value: number): string {
  return Math.abs(value) >= 10 || Number.isInteger(value) ? short(value) : decimal(value, 3);
}
