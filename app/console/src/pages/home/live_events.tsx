/** Events per minute, from the growing number of stored events since the page was opened. */
import { useEffect, useState } from "preact/hooks";
import { Badge, Card, Chart } from "../../components";
import { count } from "../../format";
import { useInterval } from "../../hooks";

interface Sample {
  at: number;
  total: number;
}

const WINDOW_SECONDS = 60;
const SLOT_SECONDS = 5;
const FEWEST_SLOTS = 12;
const MOST_SLOTS = 120;

export function LiveEvents({ total }: { total: number }) {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const [, setTick] = useState(0);
  useInterval(SLOT_SECONDS, () => setTick((before) => before + 1));
  useEffect(() => {
    setSamples((before) => [...before, { at: Date.now(), total }].slice(-MOST_SLOTS * SLOT_SECONDS));
  }, [total]);

  const now = Date.now();
  const first = samples[0]?.at ?? now;
  const end = Math.ceil(now / 1000);
  const age = Math.ceil((now - first) / 1000 / SLOT_SECONDS);
  const length = Math.min(MOST_SLOTS, Math.max(FEWEST_SLOTS, age));
  const slots = Array.from({ length }, (_, slot) => end - (length - 1 - slot) * SLOT_SECONDS);
  const rates = slots.map((second) => (second * 1000 < first ? null : increase(samples, second)));
  const current = increase(samples, end);
  return (
    <Card
      title="Events per minute"
      note="Events that were stored since you opened this page."
      actions={<Badge tone={current ? "good" : "neutral"}>{count(current)} in the last minute</Badge>}
    >
      <Chart
        label={`Events per minute, live: ${count(current)} in the last minute`}
        x={slots.map((second) => new Date(second * 1000).toISOString())}
        series={[{ label: "Events per minute", values: rates }]}
        format={count}
        height={200}
      />
    </Card>
  );
}

/** How many events were added in the minute before a second. */
function increase(samples: readonly Sample[], second: number): number {
  return totalAt(samples, second) - totalAt(samples, second - WINDOW_SECONDS);
}

function totalAt(samples: readonly Sample[], second: number): number {
  const sample = samples.findLast(({ at }) => at <= second * 1000) ?? samples[0];
  return sample?.total ?? 0;
}
