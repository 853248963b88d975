/** Asks for the id a second time, then erases with progress. */
import { useState } from "preact/hooks";
import { Bar, Button, Dialog, ErrorNote, Field, Input } from "../../components";
import { useAction } from "../../hooks";
import { removedOf } from "../access/receipt";
import { erase, type Owner, type Receipt } from "./owner";

interface EraseDialogProps {
  owner: Owner;
  onErased: (receipt: Receipt) => void;
  onClose: () => void;
}

export function EraseDialog({ owner, onErased, onClose }: EraseDialogProps) {
  const [typed, setTyped] = useState("");
  const [progress, setProgress] = useState<Receipt>();
  const erasing = useAction(async () => {
    const receipt = await erase(owner, setProgress);
    onClose();
    onErased(receipt);
  });
  const buttons = (
    <>
      <Button onClick={onClose} disabled={erasing.isRunning}>Cancel</Button>
      <Button kind="danger" icon="trash" disabled={typed !== owner.id} busy={erasing.isRunning} onClick={() => void erasing.run()}>Erase for good</Button>
    </>
  );
  return (
    <Dialog title={`Erase the ${owner.kind} ${owner.id}?`} onClose={() => !erasing.isRunning && onClose()} actions={buttons}>
      <p>
        The profile, the events and everything else stored about this {owner.kind} are removed and cannot be restored. Events that come later are refused.
        Models forget them with the next training.
      </p>
      <Field label={`Type the id of the ${owner.kind} to confirm`} hint={<code>{owner.id}</code>}>
        {(tie) => <Input {...tie} value={typed} onText={setTyped} disabled={erasing.isRunning} />}
      </Field>
      {erasing.isRunning && <Bar label={progress ? `Erasing: ${removedOf(progress)} so far` : "Erasing"} />}
      <ErrorNote error={erasing.error} />
    </Dialog>
  );
}
