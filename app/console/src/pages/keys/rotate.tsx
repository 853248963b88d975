/** Replaces a key: the new one works at once, the old one a while longer. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../api";
import { Button, Dialog, ErrorNote, Field, Select } from "../../components";
import { useAction } from "../../hooks";
import { isOwn, type Key } from "./key";

const OVERLAPS: Readonly<Record<string, string>> = { 0: "No longer", 3600: "Another hour", 86400: "Another day", 604800: "Another week", 2592000: "Another 30 days" };

export function Rotate({ of, onRotated, onClose }: { of: Key; onRotated: (key: Schemas["NewKeyView"]) => void; onClose: () => void }) {
  const [overlap, setOverlap] = useState("86400");
  const rotating = useAction(async () => {
    const params = { path: { key_id: of.key_id } };
    onRotated(await api.POST("/v1/keys/{key_id}:rotate", { params, body: { overlap_seconds: Number(overlap) } }));
  });
  const buttons = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" icon="refresh" busy={rotating.isRunning} onClick={() => void rotating.run()}>Rotate key</Button>
    </>
  );
  return (
    <Dialog title={`Rotate ${of.name}?`} onClose={onClose} actions={buttons}>
      <p>A new key with the same rights is created. Give it to everything that uses the old one before that ends.</p>
      {isOwn(of) && <p><strong>This console is signed in with this key: sign in with the new one afterwards.</strong></p>}
      <Field label="The old key works">
        {(tie) => <Select {...tie} value={overlap} choices={OVERLAPS} onChoice={setOverlap} />}
      </Field>
      <ErrorNote error={rotating.error} />
    </Dialog>
  );
}
