/** Import: a file in, its columns mapped on a preview, the result, and earlier imports to take back. */
import { useState } from "preact/hooks";
import { Bar, Card, DropFile, ErrorNote, Icon, JobProgress, type Job, PageHead, ApiCall, Button } from "../components";
import { bytes } from "../format";
import { useAction, usePages, useRequest } from "../hooks";
import { importAgain, uploadForPreview, type ImportRequest } from "../imports";
import { History } from "./import/history";
import { Outcome } from "./import/outcome";
import { Review } from "./import/review";
import "./import.css";

const POLL_SECONDS = 2;

export default function Import() {
  const imports = usePages(
    async (client, cursor) => {
      const page = await client.GET("/v1/jobs", { params: { query: { kind: "import", cursor, limit: 20 } } });
      return { rows: page.jobs, next: page.next_cursor };
    },
    [],
    { everySeconds: (rows) => (rows.some(({ state }) => state === "running") ? POLL_SECONDS : 0) },
  );
  const undos = useRequest((client) => client.GET("/v1/jobs", { params: { query: { kind: "undo", limit: 100 } } }), []);
  const undone = new Set(undos.data?.jobs.filter((job) => job.state === "succeeded").map((job) => job.request.import_id));
  const isUndone = (job: Job) => undone.has(job.import_id);

  function reload(): void {
    undos.reload();
    imports.reload();
  }

  return (
    <>
      <PageHead title="Import" about="Load events, items and users from a file."><ApiCall of={imports.call} /></PageHead>
      <div class="stack">
        <NewImport onChange={imports.reload} isUndone={isUndone} />
        <History imports={imports} isUndone={isUndone} onChange={reload} />
      </div>
    </>
  );
}

function NewImport({ onChange, isUndone }: { onChange: () => void; isUndone: (job: Job) => boolean }) {
  const [file, setFile] = useState<File>();
  const [share, setShare] = useState(0);
  const [fileOf, setFileOf] = useState<string>();
  const [running, setRunning] = useState<Job>();
  const [ended, setEnded] = useState<Job>();
  const uploading = useAction(async (chosen: File) => {
    setFile(chosen);
    setShare(0);
    setFileOf(await uploadForPreview(chosen, setShare));
  });
  const starting = useAction(async (options: Partial<ImportRequest>) => {
    if (fileOf) setRunning(await importAgain(fileOf, options));
    onChange();
  });

  function restart(): void {
    setFile(undefined);
    setFileOf(undefined);
    setRunning(undefined);
    setEnded(undefined);
    uploading.clear();
  }

  if (!file || uploading.error) {
    return (
      <Card>
        <ErrorNote error={uploading.error} />
        <DropFile onFile={(chosen) => void uploading.run(chosen)}>
          CSV, TSV, JSON Lines or Parquet, also compressed, up to 5 GB. You see what its columns become before anything is stored.
        </DropFile>
      </Card>
    );
  }
  const name = <span class="row import-file"><Icon name="upload" /><span class="truncate">{file.name}</span> <span class="muted small">{bytes(file.size)}</span></span>;
  if (ended) {
    return (
      <Card title={name} actions={<Button icon="upload" onClick={restart}>Import another file</Button>}>
        <Outcome job={ended} isNew isUndone={isUndone(ended)} />
      </Card>
    );
  }
  if (running) {
    return <Card title={name}><JobProgress jobId={running.job_id} label="Importing" showsFailure={false} onEnd={(job) => { setEnded(job); onChange(); }} /></Card>;
  }
  if (!fileOf) return <Card title={name}><Bar label="Uploading" share={share} /></Card>;
  return (
    <Card title={name} actions={<Button icon="close" onClick={restart}>Choose another file</Button>}>
      <Review fileOf={fileOf} isStarting={starting.isRunning} error={starting.error} onImport={(options) => void starting.run(options)} />
    </Card>
  );
}
