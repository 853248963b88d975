/** Uploads a file for an import job, and previews how it would be read. */
import { api, type Call, type Schemas, type SerendipClient } from "./api";
import { hasEnded } from "./components/progress";

export type ImportRequest = Omit<Schemas["ImportIn"], "kind" | "columns" | "decimal"> &
  Partial<Pick<Schemas["ImportIn"], "columns" | "decimal">>;
export type Preview = Schemas["PreviewView"];
export type Choice = Schemas["ImportChoice"];

const DEFAULTS = { columns: {}, decimal: "." } as const;
const POLL_MILLISECONDS = 300;

/** Creates an import job, uploads its file and starts it. The upload needs no key: its URL is signed for this file. */
export async function startImport(file: File, request: Partial<ImportRequest> = {}): Promise<Schemas["JobView"]> {
  return upload(file, await api.POST("/v1/jobs", { body: { ...DEFAULTS, kind: "import", file_name: file.name, ...request } }));
}

/** Uploads a file for previews and for an import that reads it again. Returns its job, which is also the preview without options. */
export async function uploadForPreview(file: File, onShare: (share: number) => void): Promise<string> {
  const job = await api.POST("/v1/jobs", { body: { ...DEFAULTS, kind: "preview", file_name: file.name } });
  await upload(file, job, onShare);
  return job.job_id;
}

/** Shows what an import with these options would do with the uploaded file of a job. Throws the reason if it cannot be read. */
export async function previewed(client: SerendipClient, fileOf: string, request: Partial<ImportRequest>): Promise<Preview> {
  const isChanged = Object.values(request).some((value) => value !== undefined && JSON.stringify(value) !== "{}");
  const job_id = isChanged ? (await client.POST("/v1/jobs", { body: { ...DEFAULTS, kind: "preview", file_of: fileOf, ...request } })).job_id : fileOf;
  for (;;) {
    const job = await client.GET("/v1/jobs/{job_id}", { params: { path: { job_id } } });
    if (job.preview) return job.preview;
    if (hasEnded(job)) throw new Error(job.detail ?? "The preview ended without a reason.");
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

/** Starts an import of the uploaded file of a job. */
export function importAgain(fileOf: string, request: Partial<ImportRequest>): Promise<Schemas["JobView"]> {
  return api.POST("/v1/jobs", { body: bodyOf(fileOf, request) });
}

/** The request that `importAgain` sends, for `ApiCall`. */
export function importCall(fileOf: string, request: Partial<ImportRequest>): Call {
  return { method: "POST", target: "/v1/jobs", body: JSON.stringify(bodyOf(fileOf, request)) };
}

function bodyOf(fileOf: string, request: Partial<ImportRequest>): Schemas["ImportIn"] {
  return { ...DEFAULTS, kind: "import", file_of: fileOf, ...request };
}

async function upload(file: File, job: Schemas["JobView"], onShare: (share: number) => void = () => {}): Promise<Schemas["JobView"]> {
  if (!job.upload_url) throw new Error("The server named no address to upload the file to.");
  await put(job.upload_url, file, onShare);
  return api.POST("/v1/jobs/{job_id}:start", { params: { path: { job_id: job.job_id } } });
}

/** `fetch` reports no progress of uploads; XMLHttpRequest does. */
function put(url: string, file: File, onShare: (share: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => onShare(total ? loaded / total : 1);
    request.onload = () =>
      request.status < 300 ? resolve() : reject(new Error(`The file could not be uploaded (status ${request.status}). Try again.`));
    request.onerror = () => reject(new TypeError("The upload was interrupted."));
    request.open("PUT", url);
    request.send(file);
  });
}
