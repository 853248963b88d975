/** Deletes a project after its id was typed, follows the deletion, and shows its receipt. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Bar, Button, ConfirmById, Dialog, ErrorNote, Note } from "../../components";
import { saveJson } from "../../download";
import { useAction } from "../../hooks";
import { ReceiptFacts } from "../access/receipt";
import { deleteFully, type Project } from "./project";

export function DeleteProject({ project, onStep, onClose }: { project: Project; onStep: () => void; onClose: () => void }) {
  const [current, setCurrent] = useState(project);
  const closing = useRef(new AbortController());
  useEffect(() => () => closing.current.abort(), []);
  const deleting = useAction(() =>
    deleteFully(project.project_id, closing.current.signal, (step) => {
      setCurrent(step);
      onStep();
    }),
  );
  useEffect(() => {
    if (project.state === "deleting") void deleting.run();
  }, []);

  const id = project.project_id;
  const receipt = current.deletion;
  if (current.state === "active" || !receipt) {
    return (
      <ConfirmById title={`Delete ${id}?`} kind="project" id={id} action="Delete project" onSubmit={() => void deleting.run()} busy={deleting.isRunning} error={deleting.error} onClose={onClose}>
        <p>All of its items, users, events, models, keys and files are removed and cannot be restored. Its id is never used again.</p>
        <Note>To keep a copy, sign in with a key of the project and export its data on Jobs first.</Note>
      </ConfirmById>
    );
  }
  const buttons = (
    <>
      <Button icon="copy" onClick={() => saveJson(`receipt-${id}.json`, { project_id: id, ...receipt })}>Download receipt</Button>
      <Button kind="primary" onClick={onClose}>Close</Button>
    </>
  );
  return (
    <Dialog title={current.state === "deleted" ? `${id} is deleted` : `Deleting ${id}`} onClose={onClose} actions={buttons}>
      {current.state === "deleting" && (
        <>
          <Bar label="Deleting" />
          <p class="muted">Its keys have ended. The last pass waits until no server accepts them from memory, for about a minute. A deletion that is left resumes when you open it again.</p>
        </>
      )}
      <ReceiptFacts receipt={receipt} />
      <ErrorNote error={deleting.error} retry={() => void deleting.run()} />
    </Dialog>
  );
}
