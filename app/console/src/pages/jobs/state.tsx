/** The state of a job: a word, with a bar while it runs. */
import { Badge, type Job } from "../../components";
import { percent } from "../../format";

const TONES = { waiting: "warn", running: "accent", succeeded: "good", failed: "bad", cancelled: "neutral" } as const;

export function State({ job }: { job: Job }) {
  if (job.state !== "running") return <Badge tone={TONES[job.state]}>{job.state}</Badge>;
  return (
    <span class="job-running">
      <Badge tone={TONES.running}>running {percent(job.progress, 0)}</Badge>
      <progress aria-label="Progress" max={1} value={job.progress} />
    </span>
  );
}
