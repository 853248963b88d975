/** The files of an export, or the rows that an import rejected. */
import type { Job } from "../../components";
import { Button, ErrorNote, Loading } from "../../components";
import { bytes } from "../../format";
import { usePages } from "../../hooks";

export function Files({ job }: { job: Job }) {
  const files = usePages(
    async (api, cursor) => {
      const page = await api.GET("/v1/jobs/{job_id}/files", { params: { path: { job_id: job.job_id }, query: { cursor } } });
      return { rows: page.files, next: page.next_cursor };
    },
    [job.job_id],
  );
  if (files.isLoading && !files.rows.length) return <Loading lines={2} />;
  if (!files.rows.length) return <ErrorNote error={files.error} retry={files.reload} />;
  return (
    <section class="stack tight">
      <h3>{job.kind === "import" ? "Rejected rows" : "Files"}</h3>
      <ErrorNote error={files.error} retry={files.reload} />
      <ul class="job-files">
        {files.rows.map((file) => (
          <li key={file.name} class="row apart">
            <a href={file.url} download={file.name}>{file.name}</a>
            <span class="muted number">{bytes(file.bytes)}</span>
          </li>
        ))}
      </ul>
      {files.hasMore && <Button small onClick={files.more} busy={files.isLoading}>Load more</Button>}
    </section>
  );
}
