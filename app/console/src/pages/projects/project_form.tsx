/** Creates a project, or changes its name and limits. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../api";
import { Field, fieldError, FormDialog, Input, toast } from "../../components";
import { useAction } from "../../hooks";
import { LimitsFields, limitsOf, NO_LIMITS, textOf } from "../access/limits_fields";
import type { Project } from "./project";

type FormProps =
  | { edited?: undefined; onCreated: (project: Schemas["NewProjectView"]) => void; onClose: () => void }
  | { edited: Project; onChanged: () => void; onClose: () => void };

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
  return (
    <FormDialog title={edited ? `Edit ${edited.project_id}` : "Create a project"} action={edited ? "Save changes" : "Create project"} wide onSubmit={() => void saving.run()} busy={saving.isRunning} error={saving.error} onClose={onClose}>
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
    </FormDialog>
  );
}
