/** What did not get in: refused requests, and stored events that could not be counted. */
import { Link } from "wouter-preact";
import type { Schemas } from "../../api";
import { ApiCall, Badge, Card, type Column, DataTable, Empty } from "../../components";
import { ago, count, time } from "../../format";
import { usePages, useRequest } from "../../hooks";

type Failure = Schemas["FailureView"];
type Refusal = Schemas["RefusalView"];
const REFRESH_SECONDS = 5;

const FAILURES: Column<Failure>[] = [
  { header: "User", cell: ({ user_id }) => (user_id ? <Link class="mono" href={`/users/${encodeURIComponent(user_id)}`}>{user_id}</Link> : <span class="muted">none</span>) },
  { header: "Reason", cell: ({ reason }) => reason },
  { header: "Record", cell: ({ record_id }) => <span class="mono small">{record_id}</span> },
];
const REFUSALS: Column<Refusal>[] = [
  { header: "When", cell: ({ refused_at }) => <time class="when" dateTime={refused_at} title={time(refused_at)}>{ago(refused_at)}</time> },
  { header: "Status", cell: ({ status }) => <Badge tone="warn">{status}</Badge> },
  { header: "Why", cell: (refusal) => <Why refusal={refusal} /> },
];

export function Failures() {
  const refusals = useRequest((api) => api.GET("/v1/event-refusals"), [], { everySeconds: REFRESH_SECONDS });
  const failures = usePages(async (api, cursor) => {
    const page = await api.GET("/v1/event-failures", { params: { query: { cursor } } });
    return { rows: page.failures, next: page.next_cursor };
  }, []);
  return (
    <>
      <Card title="Refused requests" note="None of their events were stored. A sample of the last two weeks; the responses named every fault." actions={<ApiCall of={refusals.call} />}>
        <DataTable
          label="Refused requests"
          columns={REFUSALS}
          rows={refusals.data?.refusals}
          rowKey={({ refused_at }) => refused_at}
          isLoading={refusals.isLoading}
          error={refusals.error}
          reload={refusals.reload}
          empty={<Empty icon="check" title="No request was refused">Rejected rows of files are with their <Link href="/import">import</Link>.</Empty>}
        />
      </Card>
      <Card title="Not counted" note="Stored events that did not reach counters, lists and exclusions, for two weeks." actions={<ApiCall of={failures.call} />}>
        <DataTable label="Failures" columns={FAILURES} rowKey={(failure) => failure.record_id} empty={<Empty icon="check" title="Every event was counted" />} {...failures} />
      </Card>
    </>
  );
}

function Why({ refusal: { detail, errors, others } }: { refusal: Refusal }) {
  return (
    <div>
      <div>{detail}</div>
      {errors.map(({ pointer, detail: fault }) => <div key={pointer} class="small"><code>{pointer}</code> {fault}</div>)}
      {others > 0 && <div class="small muted">and {count(others)} more shortly before</div>}
    </div>
  );
}
