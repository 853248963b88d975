/** The tiles: events, requests, the age of the model, and whether the service is ready. */
import { useRef } from "preact/hooks";
import type { Schemas } from "../../api";
import { Stat } from "../../components";
import { ago, count, short } from "../../format";
import { useRequest } from "../../hooks";
import { today } from "../../days";

interface StateProps {
  total: number;
  usage: readonly Schemas["UsageDay"][] | undefined;
  active: Schemas["VersionView"] | undefined;
}

const CHECK_SECONDS = 30;
const RISING_SECONDS = 30;
const SERVICE = {
  checking: { value: "…", note: "checking", tone: "neutral" },
  ready: { value: "Ready", note: "database and tables respond", tone: "good" },
  failing: { value: "Not ready", note: "see the log of the server", tone: "bad" },
} as const;

export function State({ total, usage, active }: StateProps) {
  const health = useRequest((api) => api.GET("/health/ready"), [], { everySeconds: CHECK_SECONDS });
  const now = usage?.find(({ day }) => day === today());
  const isRising = useRising(total);
  return (
    <div class="tiles">
      <Stat label="Service" {...SERVICE[health.error ? "failing" : health.data ? "ready" : "checking"]} />
      <Stat label="Recent events" value={short(total)} note={isRising ? `${count(total)} so far, still counting` : `${count(total)} counted`} />
      <Stat label="Lists today" value={short(now?.recommendations ?? 0)} note={`in ${count(now?.requests ?? 0)} requests, including this console's`} />
      <Stat label="Items with events" value={count(active?.counts.items)} note={active ? `${count(active.counts.users)} users at the last training` : "no model yet"} />
      <Stat label="Model" value={active ? ago(active.created_at) : "None"} tone={active ? "neutral" : "warn"} note={active ? "trained" : "popular items are recommended"} />
    </div>
  );
}

/** Whether the number has just risen while the page was open: events of a large file are counted for minutes. */
function useRising(total: number): boolean {
  const last = useRef({ total, rose: 0 });
  if (total !== last.current.total) last.current = { total, rose: total > last.current.total ? Date.now() : 0 };
  return Date.now() - last.current.rose < RISING_SECONDS * 1000;
}
