/** Usage and cost: what the project's requests used and cost, by day, week and month. */
import { useState } from "preact/hooks";
import { ApiCall, Card, Chart, Empty, ErrorNote, Loading, PageHead, Tabs } from "../components";
import { count, dollars, short } from "../format";
import { useRequest } from "../hooks";
import { Assumptions } from "./usage/assumptions";
import { Parts } from "./usage/parts";
import { NUMBERS, PERIODS, type Period, periodsOf } from "./usage/periods";
import { Totals } from "./usage/totals";

const DAYS = 400;
const NOTES: Readonly<Record<Period, string>> = {
  day: "Estimated US dollars of the last 30 days.",
  week: "Estimated US dollars; a week is named by its Monday.",
  month: "Estimated US dollars; a month is named by its first day.",
};

export default function Usage() {
  const usage = useRequest((api) => api.GET("/v1/usage", { params: { query: { days: DAYS } } }), [], { everySeconds: 60 });
  const [period, setPeriod] = useState<Period>("day");
  const head = (
    <PageHead title="Usage and cost" about="What the requests of this project used, and roughly what they cost in AWS.">
      <ApiCall of={usage.call} />
    </PageHead>
  );
  if (!usage.data) return <>{head}<ErrorNote error={usage.error} retry={usage.reload} />{usage.isLoading && <Loading lines={8} />}</>;
  const { days, prices_as_of } = usage.data;
  if (!days.length) return <>{head}<Empty icon="gauge" title="Nothing was used yet">Requests count within seconds.</Empty></>;

  const periods = periodsOf(days, period);
  const names = periods.map(({ name }) => name);
  const values = (number: (typeof NUMBERS)[number]) => periods.map((each) => each[number]);
  const word = PERIODS[period].toLowerCase();
  return (
    <>
      {head}
      <ErrorNote error={usage.error} retry={usage.reload} />
      <Totals days={days} />
      <Tabs label="Period" choices={PERIODS} value={period} onChoice={(chosen) => setPeriod(chosen as Period)} />
      <div class="grid usage-main">
        <Card title={`Cost ${word}`} note={NOTES[period]}>
          <Chart label={`Estimated US dollars ${word}`} x={names} series={[{ label: "US dollars", values: values("estimated_usd"), kind: "bars" }]} format={dollars} />
        </Card>
        <Parts days={days} />
      </div>
      <div class="grid">
        <Card title={`Traffic ${word}`} note="Requests of all kinds, the events in them, and the lists they returned. What this console asks for counts too.">
          <Chart
            label={`Requests, events and lists ${word}`}
            x={names}
            series={[
              { label: "Requests", values: values("requests") },
              { label: "Events", values: values("events") },
              { label: "Lists", values: values("recommendations") },
            ]}
            format={short}
          />
        </Card>
        <Card title={`Database ${word}`} note="Units of DynamoDB that the requests consumed; writes cost five times as much as reads.">
          <Chart
            label={`Read and write units ${word}`}
            x={names}
            series={[{ label: "Read units", values: values("read_units") }, { label: "Write units", values: values("write_units") }]}
            format={(value) => (value < 1_000 ? count(value) : short(value))}
          />
        </Card>
      </div>
      <Assumptions days={days} pricesAsOf={prices_as_of} />
    </>
  );
}
