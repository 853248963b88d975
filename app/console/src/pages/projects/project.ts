import { api, type Schemas } from "../../api";

export type Project = Schemas["ProjectView"];

const PAUSE_MILLISECONDS = 3_000;

/** Repeats the deletion until everything is removed; `onProgress` gets the project after each step. */
export async function deleteFully(project_id: string, signal: AbortSignal, onProgress: (project: Project) => void): Promise<void> {
  while (!signal.aborted) {
    const project = await api.DELETE("/v1/projects/{project_id}", { params: { path: { project_id } } });
    if (signal.aborted) return;
    onProgress(project);
    if (project.state === "deleted") return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}
