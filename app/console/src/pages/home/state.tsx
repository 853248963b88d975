/** The tiles: events, requests, the age of the model, and whether the service is ready. */
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

const CHECK_SECONDS = 15;

export function State({ total, usage, active }: StateProps) {
  const health = useRequest((api) => api.GET("/health/ready"), [], { everySeconds: CHECK_SECONDS });
  const now = usage?.find(({ day }) => day === today());
  const isReady = health.data !== undefined && !health.error;
  return (
    <div class="tiles">
      <Stat label="Service" value={isReady ? "Ready" : health.error ? "Not ready" : "…"} tone={isReady ? "good" : health.error ? "bad" : "neutral"} note={isReady ? "database and tables respond" : "see the log of the server"} />
      <Stat label="Events" value={short(total)} note={`${count(total)} stored`} />
      <Stat label="Recommendations today" value={short(now?.recommendations ?? 0)} note={`of ${count(now?.requests ?? 0)} requests`} />
      <Stat label="Items with events" value={count(active?.counts.items)} note={active ? `${count(active.counts.users)} users at the last training` : "no model yet"} />
      <Stat label="Model" value={active ? ago(active.created_at) : "None"} tone={active ? "neutral" : "warn"} note={active ? "trained" : "popular items are recommended"} />
    </div>
  );
}
