/** Events that are stored, but could not be counted. */
import { Link } from "wouter-preact";
import type { Schemas } from "../../api";
import { ApiCall, Card, type Column, DataTable, Empty } from "../../components";
import { usePages } from "../../hooks";

type Failure = Schemas["FailureView"];

const COLUMNS: Column<Failure>[] = [
  { header: "User", cell: ({ user_id }) => (user_id ? <Link class="mono" href={`/users/${encodeURIComponent(user_id)}`}>{user_id}</Link> : <span class="muted">none</span>) },
  { header: "Reason", cell: ({ reason }) => reason },
  { header: "Record", cell: ({ record_id }) => <span class="mono small">{record_id}</span> },
];

export function Failures() {
  const failures = usePages(async (api, cursor) => {
    const page = await api.GET("/v1/event-failures", { params: { query: { cursor } } });
    return { rows: page.failures, next: page.next_cursor };
  }, []);
  return (
    <Card title="Not counted" note="Stored events that did not reach counters, lists and exclusions, for two weeks." actions={<ApiCall of={failures.call} />}>
      <DataTable
        label="Failures"
        columns={COLUMNS}
        rowKey={(failure) => failure.record_id}
        empty={<Empty icon="check" title="Every event was counted">Requests with invalid events are refused as a whole, and their response names each fault. Rejected rows of files are with their <Link href="/jobs">import</Link>.</Empty>}
        {...failures}
      />
    </Card>
  );
}
