/** What an import did, in words and numbers. */
import { Link } from "wouter-preact";
import { Button, type Column, DataTable, ErrorNote, Icon, type Job, Note, Stat } from "../../components";
import { api } from "../../api";
import { saveFile } from "../../download";
import { count } from "../../format";
import { useAction } from "../../hooks";
import { inWords, recordsIn } from "./fields";
import { csvOf } from "./rejects";

const IS_TABLE = /\.(csv|tsv|txt)(\.\w+)?$/i;

interface Reason {
  problem: string;
  rows: number;
}

const REASONS: Column<Reason>[] = [
  { header: "Why rows were rejected", cell: ({ problem }) => inWords(problem) },
  { header: "Rows", align: "right", cell: ({ rows }) => count(rows) },
];

export function Outcome({ job, isNew, isUndone }: { job: Job; isNew?: boolean; isUndone?: boolean }) {
  const summary = job.summary;
  const ignored = Object.entries(summary?.ignored_columns ?? {}).map(([name, why]) => (why ? `${name} (${why})` : name));
  const reasons = Object.entries(summary?.reasons ?? {}).map(([problem, rows]) => ({ problem, rows }));
  const stored = summary ? recordsIn(summary) : "";
  return (
    <div class="stack">
      {isUndone ? (
        <Note>This import was undone: {stored ? `the ${stored} that it had stored were deleted, unless they have changed since` : "nothing of it is left"}.</Note>
      ) : (
        <Note tone={job.state === "succeeded" ? "good" : "bad"}>
          {job.state === "succeeded" ? `Stored ${stored || "nothing new"}.` : inWords(job.detail ?? `The import was ${job.state}.`)}
          {job.state === "succeeded" && isNew && " Lists follow within seconds; models with the next training."}
        </Note>
      )}
      {isNew && !isUndone && (summary?.records.events ?? 0) > 0 && <div><Link href="/models" class="button"><Icon name="layers" />Train a model on the stored events</Link></div>}
      {summary && summary.read > 0 && (
        <div class="tiles import-tiles">
          <Stat label="Rows read" value={count(summary.read)} />
          <Stat label="Loaded" value={count(summary.loaded)} tone="good" />
          <Stat label="Unchanged" value={count(summary.unchanged)} />
          <Stat label="Rejected" value={count(summary.rejected)} tone={summary.rejected ? "bad" : "neutral"} />
          <Stat label="Skipped" value={count(summary.skipped)} />
        </div>
      )}
      {reasons.length > 0 && <DataTable label="Rejected rows" columns={REASONS} rows={reasons} rowKey={({ problem }) => problem} />}
      {summary && summary.rejected > 0 && <Rejects job={job} />}
      {ignored.length > 0 && <p class="small"><strong>Columns ignored: </strong>{ignored.join(", ")}.</p>}
      {summary && summary.repeated > 0 && <p class="small muted">{count(summary.repeated)} rows repeat earlier ones.</p>}
      {summary && summary.notes.length > 0 && (
        <ul class="import-notes small">{summary.notes.map((note) => <li key={note}>{inWords(note)}</li>)}</ul>
      )}
    </div>
  );
}

/** The rejected rows as one file, a table if the import read one. A job has a file for each part, which is deleted after a week. */
function Rejects({ job }: { job: Job }) {
  const saving = useAction(async () => {
    const parts: Blob[] = [];
    let cursor: string | undefined;
    do {
      const page = await api.GET("/v1/jobs/{job_id}/files", { params: { path: { job_id: job.job_id }, query: { cursor } } });
      for (const { url } of page.files) {
        const response = await fetch(url);
        if (!response.ok) throw new Error(`The rejected rows could not be read (status ${response.status}).`);
        parts.push(await response.blob());
      }
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    if (!parts.length) throw new Error("The rejected rows are no longer kept: they are deleted after a week.");
    const name = String(job.request.file_name ?? job.job_id);
    const lines = new Blob(parts, { type: "application/jsonl" });
    if (IS_TABLE.test(name)) saveFile(`${name.replace(IS_TABLE, "")}.rejects.csv`, new Blob([csvOf(await lines.text())], { type: "text/csv" }));
    else saveFile(`${name}.rejects.jsonl`, lines);
  });
  return (
    <>
      <div><Button icon="download" busy={saving.isRunning} onClick={() => void saving.run()}>Download rejected rows</Button></div>
      <ErrorNote error={saving.error} />
    </>
  );
}
