/** Jobs and other work that takes longer than a request. */
import { useEffect } from "preact/hooks";
import type { Schemas } from "../api";
import { type Request, useRequest } from "../hooks";
import { percent } from "../format";
import { ErrorNote } from "./basics";

export type Job = Schemas["JobView"];
const ENDED: readonly Job["state"][] = ["succeeded", "failed", "cancelled"];
const POLL_SECONDS = 1;

/** `<Bar label="Training" share={0.4} />`; without a share it only moves. */
export function Bar({ label, share }: { label: string; share?: number | null }) {
  return (
    <div class="stack tight">
      <div class="row apart small">
        <span>{label}</span>
        <span class="muted number">{share == null ? "" : percent(share, 0)}</span>
      </div>
      <progress aria-label={label} max={1} {...(share == null ? {} : { value: share })} />
    </div>
  );
}

export function hasEnded(job: Job): boolean {
  return ENDED.includes(job.state);
}

/** A job, loaded again every second until it has ended, and when `inputs` change. */
export function useJob(jobId: string, inputs: readonly unknown[] = []): Request<Job> {
  return useRequest((api) => api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: jobId } } }), [jobId, ...inputs], {
    everySeconds: (job) => (job && !hasEnded(job) ? POLL_SECONDS : 0),
  });
}

interface JobProgressProps {
  jobId: string;
  label: string;
  onEnd?: (job: Job) => void;
  /** False if the page itself shows why a job failed. */
  showsFailure?: boolean;
}

/** Follows a job until it ends: `<JobProgress jobId={id} label="Importing items" onEnd={show} />` */
export function JobProgress({ jobId, label, onEnd, showsFailure = true }: JobProgressProps) {
  const job = useJob(jobId);
  const isOver = job.data !== undefined && hasEnded(job.data);
  useEffect(() => {
    if (job.data && isOver) onEnd?.(job.data);
  }, [isOver]);
  if (job.error) return <ErrorNote error={job.error} retry={job.reload} />;
  if (!job.data) return <Bar label={label} />;
  if (job.data.state === "failed" && showsFailure) return <ErrorNote error={new Error(job.data.detail ?? `${label} failed.`)} />;
  return <Bar label={`${label}: ${job.data.state}`} share={isOver ? 1 : job.data.progress || null} />;
}
