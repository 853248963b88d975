/** One job: its progress, its result in full, its files, and what can be done about it. */
import type { ComponentChildren } from "preact";
import { Link } from "wouter-preact";
import { ApiCall, Bar, Button, Dialog, ErrorNote, hasEnded, type Job, Loading, Note, useJob } from "../../components";
import { count, duration, time } from "../../format";
import { useAction } from "../../hooks";
import { inWords } from "../import/fields";
import { Files } from "./files";
import { kindOf, resultOf, seconds } from "./job";
import { State } from "./state";

/** Not worth a line. */
const DEFAULTS: Readonly<Record<string, unknown>> = { decimal: "." };

interface JobDetailsProps {
  jobId: string;
  /** The job as the list has it; the dialog loads it again when the list does. */
  listed: Job | undefined;
  onClose: () => void;
  onCancel: (job: Job) => void;
  onRepeat: ((job: Job) => Promise<void>) | undefined;
}

export function JobDetails({ jobId, listed, onClose, onCancel, onRepeat }: JobDetailsProps) {
  const job = useJob(jobId, [listed?.state]);
  const isOpen = job.data !== undefined && !hasEnded(job.data);
  const repeating = useAction(async (ended: Job) => {
    await onRepeat?.(ended);
    onClose();
  });
  const shown = job.data;
  const actions = shown && (
    <>
      <ApiCall of={job.call} />
      {isOpen && <Button kind="danger" onClick={() => onCancel(shown)}>Cancel job</Button>}
      {onRepeat && <Button icon="refresh" busy={repeating.isRunning} onClick={() => void repeating.run(shown)}>Run again</Button>}
      <Button kind="primary" onClick={onClose}>Close</Button>
    </>
  );
  return (
    <Dialog title={shown ? kindOf(shown) : "Job"} wide onClose={onClose} actions={actions}>
      <ErrorNote error={job.error ?? repeating.error} retry={job.error ? job.reload : undefined} />
      {!shown && job.isLoading && <Loading lines={5} />}
      {shown && <Facts job={shown} />}
    </Dialog>
  );
}

function Facts({ job }: { job: Job }) {
  const request = Object.entries(job.request).filter(([name, value]) => isSet(value) && DEFAULTS[name] !== value && name !== "version");
  return (
    <>
      {job.state === "running" && <Bar label="Progress" share={job.progress} />}
      {job.state === "failed" ? <Note tone="bad">{resultOf(job)} {advice(job)}</Note> : <p>{resultOf(job)}</p>}
      <dl class="facts">
        <Fact name="State"><State job={job} /></Fact>
        <Fact name="Job"><code>{job.job_id}</code></Fact>
        <Fact name="Started">{time(job.created_at)}</Fact>
        <Fact name={hasEnded(job) ? "Took" : "Runs for"}>{duration(seconds(job))}</Fact>
        {job.version && <Fact name="Model version"><Link href="/models"><code>{job.version}</code></Link></Fact>}
        {job.receipt_id && <Fact name="Receipt"><code>{job.receipt_id}</code></Fact>}
        {request.map(([name, value]) => (
          <Fact key={name} name={name.replaceAll("_", " ")}><code>{typeof value === "string" ? value : JSON.stringify(value)}</code></Fact>
        ))}
      </dl>
      {job.summary && <Summary summary={job.summary} />}
      {(job.kind === "export" || job.kind === "import") && hasEnded(job) && <Files job={job} />}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name[0]?.toUpperCase()}{name.slice(1)}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Summary({ summary }: { summary: NonNullable<Job["summary"]> }) {
  const lines = [
    ...summary.notes.map(inWords),
    ...Object.entries(summary.reasons).map(([reason, rows]) => `${count(rows)} rejected: ${inWords(reason)}`),
    ...Object.entries(summary.ignored_columns).map(([column, reason]) => `Column ${column} was not used${reason && `: ${reason}`}`),
  ];
  if (!lines.length) return null;
  return <ul class="bullets">{lines.map((line) => <li key={line}>{line}</li>)}</ul>;
}

function advice({ kind }: Job): ComponentChildren {
  if (kind === "import") return <>Correct the file and <Link href="/import">import it again</Link>; equal events are stored once.</>;
  if (kind === "erasure") return <>Repeat it on <Link href="/erasure">Erasure</Link>; it resumes where it stopped.</>;
  return null;
}

function isSet(value: unknown): boolean {
  return value !== null && value !== "" && value !== false && !(typeof value === "object" && !Object.keys(value).length);
}
