/** Creates a project, or changes its name and limits. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../api";
import { Button, Dialog, ErrorNote, Field, fieldError, Input, toast } from "../../components";
import { useAction } from "../../hooks";
import { LimitsFields, limitsOf, NO_LIMITS, textOf } from "../access/limits_fields";
import type { Project } from "./project";

type FormProps =
  | { edited?: undefined; onCreated: (project: Schemas["NewProjectView"]) => void; onClose: () => void }
  | { edited: Project; onChanged: () => void; onClose: () => void };

const FORM = "project-form";

export function ProjectForm(props: FormProps) {
  const { edited, onClose } = props;
  const [id, setId] = useState("");
  const [name, setName] = useState(edited?.name ?? "");
  const [limits, setLimits] = useState(edited ? textOf(edited.limits) : NO_LIMITS);
  const saving = useAction(async () => {
    const body = { name: name.trim() || null, limits: limitsOf(limits) };
    if (props.edited) {
      await api.PATCH("/v1/projects/{project_id}", { params: { path: { project_id: props.edited.project_id } }, body });
      toast(`Changed ${props.edited.project_id}.`);
      props.onChanged();
      return;
    }
    props.onCreated(await api.POST("/v1/projects", { body: { ...body, project_id: id.trim() } }));
  });
  const buttons = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" form={FORM} busy={saving.isRunning}>{edited ? "Save changes" : "Create project"}</Button>
    </>
  );
  return (
    <Dialog title={edited ? `Edit ${edited.project_id}` : "Create a project"} wide onClose={onClose} actions={buttons}>
      <form id={FORM} class="stack" onSubmit={(event) => { event.preventDefault(); void saving.run(); }}>
        {!edited && (
          <Field label="Id" hint="Letters, digits and . _ : ~ | @ -. It cannot be changed, and is never used again." error={fieldError(saving.error, "/project_id")}>
            {(tie) => <Input {...tie} required value={id} onText={setId} />}
          </Field>
        )}
        <Field label="Name" hint="For people; may be empty." error={fieldError(saving.error, "/name")}>{(tie) => <Input {...tie} value={name} onText={setName} />}</Field>
        <fieldset class="plain">
          <legend>Limits of keys that are created without limits, and of JWTs</legend>
          <LimitsFields value={limits} onChange={setLimits} error={saving.error} />
        </fieldset>
        <ErrorNote error={saving.error} />
      </form>
    </Dialog>
  );
}
