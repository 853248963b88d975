/** Asks for the id a second time, then erases with progress. */
import { useState } from "preact/hooks";
import { Bar, ConfirmById } from "../../components";
import { useAction } from "../../hooks";
import { removedOf } from "../access/receipt";
import { erase, type Owner, type Receipt } from "./owner";

interface EraseDialogProps {
  owner: Owner;
  onErased: (receipt: Receipt) => void;
  onClose: () => void;
}

export function EraseDialog({ owner, onErased, onClose }: EraseDialogProps) {
  const [progress, setProgress] = useState<Receipt>();
  const erasing = useAction(async () => {
    const receipt = await erase(owner, setProgress);
    onClose();
    onErased(receipt);
  });
  return (
    <ConfirmById
      title={`Erase the ${owner.kind} ${owner.id}?`}
      {...owner}
      action="Erase for good"
      onSubmit={() => void erasing.run()}
      busy={erasing.isRunning}
      held
      error={erasing.error}
      onClose={onClose}
    >
      <p>
        The profile, the events and everything else stored about this {owner.kind} are removed and cannot be restored. Events that come later are refused.
        Models forget them with the next training.
      </p>
      {erasing.isRunning && <Bar label={progress ? `Erasing: ${removedOf(progress)} so far` : "Erasing"} />}
    </ConfirmById>
  );
}
