/** Outcomes: what users did with the lists they were shown, by day, version, scenario and recommender. */
import { useState } from "preact/hooks";
import { ApiCall, ErrorNote, Loading, PageHead, Select, Tabs } from "../components";
import { lastDays, today } from "../days";
import { useRequest } from "../hooks";
import { ByDay } from "./outcomes/by_day";
import { Compare } from "./outcomes/compare";
import { GroupTable } from "./outcomes/group_table";
import { type Dimension, DIMENSIONS, groupName } from "./outcomes/groups";
import { HowTo } from "./outcomes/how_to";
import { LastDay, PERIODS } from "./outcomes/period";
import { Totals } from "./outcomes/totals";
import "./outcomes.css";

export default function Outcomes() {
  const [period, setPeriod] = useState("14");
  const [last, setLast] = useState<string>();
  const [by, setBy] = useState<Dimension>("version");
  const days = Number(period);
  const to = last ?? today();
  const groups = useRequest((api) => api.GET("/v1/outcomes", { params: { query: { days, to, by: [by] } } }), [days, to, by]);
  const daily = useRequest((api) => api.GET("/v1/outcomes", { params: { query: { days, to, by: ["day", by] } } }), [days, to, by]);
  const total = groups.data?.total;
  const outcomes = groups.data?.outcomes.every((outcome) => groupName(by, outcome) !== undefined) ? groups.data.outcomes : undefined;
  const isMeasured = total !== undefined && total.impressions > 0; // rates are per item shown
  return (
    <>
      <PageHead title="Outcomes" about="What users did with the items that recommendations showed them.">
        <Select aria-label="Period" value={period} choices={PERIODS} onChoice={setPeriod} />
        <LastDay value={to} onDay={setLast} />
        <ApiCall of={daily.call} />
      </PageHead>
      <ErrorNote error={groups.error ?? daily.error} retry={() => { groups.reload(); daily.reload(); }} />
      {!total && !groups.error && <Loading lines={8} />}
      {total && !isMeasured && <HowTo days={days} total={total} />}
      {total && isMeasured && (
        <>
          <Totals total={total} />
          <div class="row"><Tabs label="Divide by" choices={DIMENSIONS} value={by} onChoice={(each) => setBy(each as Dimension)} /></div>
          {outcomes && daily.data && <ByDay by={by} groups={outcomes} daily={daily.data.outcomes} days={lastDays(days, to)} />}
          {outcomes && outcomes.length > 1 && <Compare key={by} by={by} groups={outcomes} days={days} to={to} />}
          {outcomes && <GroupTable by={by} groups={outcomes} />}
        </>
      )}
    </>
  );
}
