/** Jobs: what takes longer than a request, its progress and its result. */
import { useState } from "preact/hooks";
import { useLocation, useParams } from "wouter-preact";
import { api, pageWithRows } from "../api";
import { ApiCall, Button, type Column, Confirm, DataTable, Empty, hasEnded, type Job, PageHead, Select, toast } from "../components";
import { ago, duration, time } from "../format";
import { usePages } from "../hooks";
import { JobDetails } from "./jobs/details";
import { isRepeatable, KINDS, kindOf, repeat, resultOf, seconds } from "./jobs/job";
import { State } from "./jobs/state";
import "./jobs.css";

const PAGE = 30;
const POLL_SECONDS = 2;
const ALL = "", USUAL = "usual";

export default function Jobs() {
  const { id } = useParams<{ id?: string }>();
  const [, navigate] = useLocation();
  const [kind, setKind] = useState<Job["kind"] | typeof ALL | typeof USUAL>(USUAL);
  const [cancelled, setCancelled] = useState<Job>();
  const [isExporting, setExporting] = useState(false);
  const jobs = usePages(
    async (client, cursor) => {
      const query = { limit: PAGE, ...(kind !== USUAL && kind !== ALL && { kind }) };
      const isShown = (job: Job) => kind !== USUAL || job.kind !== "preview";
      const page = await pageWithRows(
        (next) => client.GET("/v1/jobs", { params: { query: { ...query, cursor: next } } }),
        ({ jobs }) => jobs.some(isShown),
        cursor,
      );
      return { rows: page.jobs.filter(isShown), next: page.next_cursor };
    },
    [kind],
    { everySeconds: (rows) => (rows.every(hasEnded) ? 0 : POLL_SECONDS) },
  );

  async function cancel(job: Job): Promise<void> {
    await api.POST("/v1/jobs/{job_id}:cancel", { params: { path: { job_id: job.job_id } } });
    toast("Cancelled. What it has done so far stays.");
    jobs.reload();
  }

  async function start(work: () => Promise<Job>): Promise<void> {
    const started = await work();
    toast(`Started: ${kindOf(started).toLowerCase()}.`);
    jobs.reload();
  }

  const columns: readonly Column<Job>[] = [
    { header: "Job", cell: (job) => <button type="button" class="link" onClick={() => navigate(`/jobs/${job.job_id}`)}><strong>{kindOf(job)}</strong><span class="hidden-text"> {job.job_id}</span><FileName job={job} /></button> },
    { header: "State", cell: (job) => <State job={job} /> },
    { header: "Result", cell: (job) => <span class="job-result">{resultOf(job)}</span> },
    { header: "Started", cell: (job) => <span title={time(job.created_at)}>{ago(job.created_at)}</span> },
    { header: "Took", align: "right", cell: (job) => duration(seconds(job)) },
    { header: "", align: "right", cell: (job) => (hasEnded(job) ? null : <Button small onClick={() => setCancelled(job)}>Cancel</Button>) },
  ];
  const opened = jobs.rows.find((job) => job.job_id === id);
  return (
    <>
      <PageHead title="Jobs" about="Imports, exports, trainings, erasures: work that takes longer than a request. Jobs are kept for 30 days.">
        <ApiCall of={jobs.call} />
        <Button icon="box" onClick={() => setExporting(true)}>Export all data</Button>
      </PageHead>
      <div class="row">
        <Select aria-label="Kind" value={kind} choices={{ [USUAL]: "All but previews", [ALL]: "All kinds", ...KINDS }} onChoice={(chosen) => setKind(chosen as typeof kind)} />
      </div>
      <DataTable
        label="Jobs"
        columns={columns}
        rowKey={(job) => job.job_id}
        empty={<Empty icon="clock" title={kind === USUAL || kind === ALL ? "No jobs yet" : "No jobs of this kind"}>Import a file, train a model or export the data, and it is listed here.</Empty>}
        {...jobs}
      />
      {id && (
        <JobDetails
          jobId={id}
          listed={opened}
          onClose={() => navigate("/jobs")}
          onCancel={setCancelled}
          onRepeat={isRepeatable(opened) ? (job) => start(() => repeat(job)) : undefined}
        />
      )}
      {cancelled && (
        <Confirm title={`Cancel this ${kindOf(cancelled).toLowerCase()}?`} action="Cancel job" danger act={() => cancel(cancelled)} onClose={() => setCancelled(undefined)}>
          It stops at its next step. What it has done so far stays; a cancelled training leaves the active model as it is.
        </Confirm>
      )}
      {isExporting && (
        <Confirm title="Export all data?" action="Export data" act={() => start(() => api.POST("/v1/jobs", { body: { kind: "export" } }))} onClose={() => setExporting(false)}>
          Items, users and events are written to files that an import can read. The files are kept for a week.
        </Confirm>
      )}
    </>
  );
}

function FileName({ job }: { job: Job }) {
  const name = job.request.file_name;
  return typeof name === "string" && name ? <span class="job-file small muted truncate">{name}</span> : null;
}
