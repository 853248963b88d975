/** Projects, for keys of the administration: create, change, delete. */
import { useState } from "preact/hooks";
import { connect } from "../api";
import { ApiCall, Badge, Button, type Column, DataTable, Empty, PageHead, toast, toastError } from "../components";
import { day } from "../format";
import { usePages } from "../hooks";
import { addSession } from "../session";
import { inWords } from "./access/limits_fields";
import { Secret } from "./access/secret";
import { DeleteProject } from "./projects/delete_project";
import type { Project } from "./projects/project";
import { ProjectForm } from "./projects/project_form";
import "./access/access.css";

const POLL_SECONDS = 3;
const TONES = { active: "good", deleting: "warn", deleted: "neutral" } as const;
type Open = { action: "edit" | "delete"; project: Project } | { action: "create" } | { action: "show"; project: string; secret: string };

export default function Projects() {
  const [open, setOpen] = useState<Open>();
  const projects = usePages(
    async (api, cursor) => {
      const page = await api.GET("/v1/projects", { params: { query: { cursor, limit: 100 } } });
      return { rows: page.projects, next: page.next_cursor };
    },
    [],
    { everySeconds: (rows) => (rows.some(({ state }) => state === "deleting") ? POLL_SECONDS : 0) },
  );
  const close = () => setOpen(undefined);

  const columns: readonly Column<Project>[] = [
    { header: "Project", sort: (project) => project.project_id, cell: (project) => <div class="access-name"><strong>{project.project_id}</strong><span class="small muted">{project.name}</span></div> },
    { header: "State", sort: (project) => project.state, cell: (project) => <Badge tone={TONES[project.state]}>{project.state}</Badge> },
    { header: "Created", sort: (project) => project.created_at, cell: (project) => day(project.created_at) },
    { header: "Limits of new keys", cell: (project) => <span class="small">{project.state === "active" ? inWords(project.limits) : ""}</span> },
    { header: "", align: "right", cell: (project) => <Actions project={project} onOpen={setOpen} /> },
  ];
  return (
    <>
      <PageHead title="Projects" about="Each has its own data, models, keys and limits. To see the data of one, sign in with a key of it.">
        <ApiCall of={projects.call} />
        <Button kind="primary" icon="plus" onClick={() => setOpen({ action: "create" })}>Create project</Button>
      </PageHead>
      <DataTable
        label="Projects"
        columns={columns}
        rowKey={(project) => project.project_id}
        empty={<Empty icon="building" title="No projects yet">Create one, and sign in with its first key.</Empty>}
        {...projects}
      />
      {open?.action === "create" && (
        <ProjectForm onCreated={({ project, key }) => { setOpen({ action: "show", project: project.project_id, secret: key.key }); projects.reload(); }} onClose={close} />
      )}
      {open?.action === "edit" && <ProjectForm edited={open.project} onChanged={() => { projects.reload(); close(); }} onClose={close} />}
      {open?.action === "delete" && <DeleteProject project={open.project} onStep={projects.reload} onClose={close} />}
      {open?.action === "show" && (
        <Secret title={`The first admin key of ${open.project}`} secret={open.secret} onClose={close} more={{ action: "Sign in with it", act: () => void signIn(open.secret) }} />
      )}
    </>
  );
}

function Actions({ project, onOpen }: { project: Project; onOpen: (open: Open) => void }) {
  if (project.state !== "active") return <Button small onClick={() => onOpen({ action: "delete", project })}>Receipt</Button>;
  return (
    <div class="row access-actions">
      <Button small kind="quiet" icon="edit" label={`Edit ${project.project_id}`} onClick={() => onOpen({ action: "edit", project })} />
      <Button small kind="quiet" icon="trash" label={`Delete ${project.project_id}`} onClick={() => onOpen({ action: "delete", project })} />
    </div>
  );
}

async function signIn(credential: string): Promise<void> {
  try {
    const principal = await connect({ credential }).GET("/v1/principal");
    addSession({ credential, principal });
    toast(`Signed in to ${principal.project}.`);
  } catch (error) {
    toastError(error);
  }
}
