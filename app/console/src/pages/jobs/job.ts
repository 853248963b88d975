/** Jobs in words. */
import { api } from "../../api";
import { hasEnded, type Job } from "../../components";
import { amounts, count } from "../../format";

export const KINDS: Readonly<Record<Job["kind"], string>> = {
  import: "Import",
  preview: "Preview of a file",
  export: "Export",
  training: "Training",
  erasure: "Erasure",
  deletion: "Deletion of events",
  undo: "Undo of an import",
};

export function kindOf(job: Job): string {
  return KINDS[job.kind];
}

/** How long a job took, or has taken so far. */
export function seconds(job: Job, now = Date.now()): number {
  const end = job.ended_at ? Date.parse(job.ended_at) : now;
  return Math.max(0, (end - Date.parse(job.created_at)) / 1000);
}

/** What a job did, or why it failed, in a sentence. */
export function resultOf(job: Job): string {
  if (job.state === "failed") return job.detail ?? "It failed without a reason.";
  if (job.state === "waiting") return "Waits for its file.";
  const done = job.summary ? loaded(job.summary) : counted(job);
  if (job.state === "running") return done || "Has just begun.";
  return [done, job.detail].filter(Boolean).join(" ") || (job.state === "succeeded" ? "Nothing was to do." : "");
}

function loaded({ records, read, rejected }: NonNullable<Job["summary"]>): string {
  const parts = amounts(records) || "nothing";
  const rows = `Loaded ${parts} from ${count(read)} ${read === 1 ? "row" : "rows"}`;
  return rejected ? `${rows}; ${count(rejected)} rejected.` : `${rows}.`;
}

const VERBS: Readonly<Record<Job["kind"], string>> = {
  import: "Loaded",
  preview: "Read",
  export: "Wrote",
  training: "Used",
  erasure: "Erased",
  deletion: "Deleted",
  undo: "Took back",
};

function counted(job: Job): string {
  const parts = amounts(job.counts);
  if (job.kind === "training" && job.version) return [`Version ${job.version}.`, parts && `Used ${parts}.`].filter(Boolean).join(" ");
  return parts && `${VERBS[job.kind]} ${parts}.`;
}

/** Whether the same can be done again: other jobs need a file, or do not name what they were about. */
export function isRepeatable(job: Job | undefined): boolean {
  return job !== undefined && hasEnded(job) && (job.kind === "training" || job.kind === "export");
}

export function repeat(job: Job): Promise<Job> {
  const body = job.kind === "training" ? { kind: "training" as const, force: job.request.force === true } : { kind: "export" as const };
  return api.POST("/v1/jobs", { body });
}
