/** Erases an anonymous session. The API cannot export its data first. */
import { useState } from "preact/hooks";
import { Button, Card, Field, Input } from "../../components";
import { ReceiptCard } from "../access/receipt";
import { EraseDialog } from "./erase_dialog";
import type { Receipt } from "./owner";

export function SessionErasure() {
  const [id, setId] = useState("");
  const [isErasing, setErasing] = useState(false);
  const [erased, setErased] = useState<{ id: string; receipt: Receipt }>();
  return (
    <>
      <Card title="An anonymous session" note="A visitor who never logged in. When they log in, their events become their user's, and are erased with the user.">
        <form class="erasure-form" onSubmit={(event) => { event.preventDefault(); setErasing(true); }}>
          <Field label="Session">{(tie) => <Input {...tie} required value={id} onText={setId} />}</Field>
          <Button type="submit" kind="danger" icon="trash">Erase session…</Button>
        </form>
      </Card>
      {erased && <ReceiptCard title={<>Receipt for the session <code>{erased.id}</code></>} name={`receipt-${erased.id}.json`} receipt={erased.receipt} about={{ session_id: erased.id }} />}
      {isErasing && <EraseDialog owner={{ kind: "session", id: id.trim() }} onErased={(receipt) => setErased({ id: id.trim(), receipt })} onClose={() => setErasing(false)} />}
    </>
  );
}
