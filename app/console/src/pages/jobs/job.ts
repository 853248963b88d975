/** Jobs in words. */
import { api } from "../../api";
import { hasEnded, type Job } from "../../components";
import { amounts, count } from "../../format";
import { inWords } from "../import/fields";

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
  const detail = job.detail && (job.kind === "import" || job.kind === "preview") ? inWords(job.detail) : job.detail;
  if (job.state === "failed") return detail ?? "It failed without a reason.";
  if (job.state === "waiting") return "Waiting for its file.";
  const done = DONE[job.kind](job);
  if (job.state === "running") return done || "Just started.";
  return [done, detail].filter(Boolean).join(" ") || (job.state === "succeeded" ? "There was nothing to do." : "");
}

const DONE: Readonly<Record<Job["kind"], (job: Job) => string>> = {
  import: ({ summary, counts }) => (summary ? loaded(summary) : sentence("Loaded", amounts(counts))),
  preview: () => "Showed what an import of the file would do.",
  export: ({ counts }) => sentence("Wrote", amounts(counts)),
  training: ({ counts: { bought_together, ...counts } }) => sentence("Learned from", amounts(counts)),
  erasure: ({ counts }) => sentence("Erased", amounts(counts)),
  deletion: ({ counts: { deleted = 0, read = 0 } }) => (read ? sentence("Deleted", amounts({ events: deleted }) || "nothing") : ""),
  undo: ({ counts: { read, changed = 0, ...counts } }) =>
    [sentence("Took back", amounts(counts)), changed && `${count(changed)} stay, because they have changed since.`].filter(Boolean).join(" "),
};

function sentence(verb: string, what: string): string {
  return what && `${verb} ${what}.`;
}

function loaded({ records, read, rejected }: NonNullable<Job["summary"]>): string {
  const rows = `Loaded ${amounts(records) || "nothing"} from ${count(read)} ${read === 1 ? "row" : "rows"}`;
  return rejected ? `${rows}; ${count(rejected)} rejected.` : `${rows}.`;
}

/** Whether the same can be done again: other jobs need a file, or do not name what they were about. */
export function isRepeatable(job: Job | undefined): boolean {
  return job !== undefined && hasEnded(job) && (job.kind === "training" || job.kind === "export");
}

export function repeat(job: Job): Promise<Job> {
  const body = job.kind === "training" ? { kind: "training" as const, force: job.request.force === true } : { kind: "export" as const };
  return api.POST("/v1/jobs", { body });
}
