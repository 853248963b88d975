/** Uploading a file for an import job. */
import { api, type Schemas } from "./api";

export type ImportRequest = Omit<Schemas["ImportIn"], "kind" | "columns" | "decimal"> &
  Partial<Pick<Schemas["ImportIn"], "columns" | "decimal">>;

/** Creates an import job, uploads its file and starts it. The upload needs no key: its URL is signed for this file. */
export async function startImport(file: File, request: Partial<ImportRequest> = {}): Promise<Schemas["JobView"]> {
  const body = { kind: "import" as const, file_name: file.name, columns: {}, decimal: "." as const, ...request };
  const job = await api.POST("/v1/jobs", { body });
  if (!job.upload_url) throw new Error("The server named no address to upload the file to.");
  const uploaded = await fetch(job.upload_url, { method: "PUT", body: file });
  if (!uploaded.ok) throw new Error(`The file could not be uploaded (status ${uploaded.status}). Try again.`);
  return api.POST("/v1/jobs/{job_id}:start", { params: { path: { job_id: job.job_id } } });
}
