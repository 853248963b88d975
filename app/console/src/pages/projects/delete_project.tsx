/** Deletes a project after its id was typed, follows the deletion, and shows its receipt. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Bar, Button, Dialog, ErrorNote, Field, Input, Note } from "../../components";
import { saveJson } from "../../download";
import { useAction } from "../../hooks";
import { ReceiptFacts } from "../access/receipt";
import { deleteFully, type Project } from "./project";

export function DeleteProject({ project, onStep, onClose }: { project: Project; onStep: () => void; onClose: () => void }) {
  const [current, setCurrent] = useState(project);
  const [typed, setTyped] = useState("");
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
    const buttons = (
      <>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" icon="trash" disabled={typed !== id} busy={deleting.isRunning} onClick={() => void deleting.run()}>Delete project</Button>
      </>
    );
    return (
      <Dialog title={`Delete ${id}?`} onClose={onClose} actions={buttons}>
        <p>All of its items, users, events, models, keys and files are removed and cannot be restored. Its id is never used again.</p>
        <Note>To keep a copy, sign in with a key of the project and export its data on Jobs first.</Note>
        <Field label="Type the id of the project to confirm" hint={<code>{id}</code>}>{(tie) => <Input {...tie} value={typed} onText={setTyped} />}</Field>
        <ErrorNote error={deleting.error} />
      </Dialog>
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
