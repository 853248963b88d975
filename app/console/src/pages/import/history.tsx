/** Earlier imports, their results, and a way to undo one. */
import { useState } from "preact/hooks";
import { api } from "../../api";
import { Badge, Button, Card, type Column, Confirm, DataTable, Dialog, Empty, hasEnded, type Job, JobProgress, toast } from "../../components";
import { ago, amounts, count, time } from "../../format";
import type { Pages } from "../../hooks";
import { Outcome } from "./outcome";

const TONES = { succeeded: "good", failed: "bad", running: "accent", waiting: "neutral", cancelled: "neutral" } as const;

interface HistoryProps {
  imports: Pages<Job>;
  isUndone: (job: Job) => boolean;
  onChange: () => void;
}

export function History({ imports, isUndone, onChange }: HistoryProps) {
  const [shown, setShown] = useState<Job>();
  const [asked, setAsked] = useState<Job>();
  const [undoing, setUndoing] = useState<{ jobId: string; name: string }>();

  async function undo(job: Job): Promise<void> {
    const { job_id } = await api.DELETE("/v1/imports/{import_id}", { params: { path: { import_id: job.import_id ?? "" } } });
    setUndoing({ jobId: job_id, name: nameOf(job) });
  }

  function end(job: Job): void {
    if (job.state === "succeeded") {
      const { events = 0, items = 0, users = 0 } = job.counts;
      toast(`Undone: ${amounts({ events, items, users }) || "nothing"} deleted.`);
      setUndoing(undefined);
    }
    onChange();
  }

  const columns: Column<Job>[] = [
    {
      header: "File",
      cell: (job) => (
        <>
          <button type="button" class="link" onClick={() => setShown(job)}><strong>{nameOf(job)}</strong></button>
          <span class="muted small import-line">{inShort(job)} · <span title={time(job.created_at)}>{ago(job.created_at)}</span></span>
        </>
      ),
    },
    { header: "State", cell: (job) => (isUndone(job) ? <Badge>undone</Badge> : <Badge tone={TONES[job.state]}>{job.state}</Badge>) },
    {
      header: "",
      align: "right",
      cell: (job) =>
        hasEnded(job) && !isUndone(job) && (job.summary?.loaded ?? 0) > 0 && (
          <Button small icon="undo" onClick={() => setAsked(job)}>Undo<span class="hidden-text"> {nameOf(job)}</span></Button>
        ),
    },
  ];
  return (
    <Card title="Earlier imports" note="Of the last 30 days, also those by the command line.">
      {undoing && <JobProgress key={undoing.jobId} jobId={undoing.jobId} label={`Undoing ${undoing.name}`} onEnd={end} />}
      <DataTable
        label="Earlier imports"
        columns={columns}
        rowKey={(job) => job.job_id}
        empty={<Empty icon="upload" title="No imports yet">Files that you import are listed here, and can be undone.</Empty>}
        {...imports}
      />
      {shown && (
        <Dialog title={nameOf(shown)} wide onClose={() => setShown(undefined)}>
          <p class="muted small">{time(shown.created_at)}{shown.import_id && <> · Import <span class="mono">{shown.import_id}</span></>}</p>
          <Outcome job={shown} isUndone={isUndone(shown)} />
        </Dialog>
      )}
      {asked && (
        <Confirm title={`Undo the import of ${nameOf(asked)}?`} action="Undo import" danger act={() => undo(asked)} onClose={() => setAsked(undefined)}>
          <p>
            This deletes the items and users that the import created, and the events that nothing else has written since. Whatever has
            been changed since then stays, and so do facts that it added to existing items.
          </p>
        </Confirm>
      )}
    </Card>
  );
}

function inShort({ state, summary }: Job): string {
  if (!summary?.read) return state === "running" ? "reading the columns" : "nothing read";
  return `${count(summary.loaded)} rows loaded${summary.rejected ? `, ${count(summary.rejected)} rejected` : ""}`;
}

function nameOf(job: Job): string {
  const name = job.request.file_name;
  return typeof name === "string" ? name : "File without a name";
}
