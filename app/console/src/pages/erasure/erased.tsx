/** An erased user: the receipt, and the way back. */
import { useState } from "preact/hooks";
import { api } from "../../api";
import { Button, Card, Confirm, Note, toast } from "../../components";
import { ReceiptCard } from "../access/receipt";
import { EraseDialog } from "./erase_dialog";
import type { Receipt } from "./owner";

export function Erased({ user, receipt, onReadmitted }: { user: string; receipt: Receipt; onReadmitted: () => void }) {
  const [isReadmitting, setReadmitting] = useState(false);
  const [isResuming, setResuming] = useState(false);

  async function readmit(): Promise<void> {
    await api.POST("/v1/users/{user_id}:readmit", { params: { path: { user_id: user } } });
    toast("The user may come back. Their old data stays removed.");
    onReadmitted();
  }

  return (
    <>
      {!receipt.complete && (
        <Note tone="warn">
          <p>The erasure of this user was interrupted. It resumes where it stopped.</p>
          <Button small icon="refresh" onClick={() => setResuming(true)}>Resume…</Button>
        </Note>
      )}
      <ReceiptCard title={<>Receipt for <code>{user}</code></>} name={`receipt-${user}.json`} receipt={receipt} about={{ user_id: user }} />
      <Card title="Let this user come back" actions={<Button icon="undo" disabled={!receipt.complete} onClick={() => setReadmitting(true)}>Let come back…</Button>}>
        <p class="muted">Events and profiles of an erased user are refused. If the person signs up again, accept them again; none of the old data comes back.</p>
      </Card>
      {isReadmitting && (
        <Confirm title={`Accept ${user} again?`} action="Accept again" act={readmit} onClose={() => setReadmitting(false)}>
          New events of this user are accepted. The receipt is deleted: download it first if you need it.
        </Confirm>
      )}
      {isResuming && <EraseDialog owner={{ kind: "user", id: user }} onErased={onReadmitted} onClose={() => setResuming(false)} />}
    </>
  );
}
