/** Keys: who may call the API, and what each key may do. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api";
import { ApiCall, Button, Confirm, Empty, PageHead, Tabs, toast } from "../components";
import { useRequest } from "../hooks";
import { session, signOut } from "../session";
import { Secret } from "./access/secret";
import { hasEnded, isOwn, type Key } from "./keys/key";
import { KeyForm } from "./keys/key_form";
import { KeyTable } from "./keys/key_table";
import { PageScript } from "./keys/page_script";
import { Rotate } from "./keys/rotate";
import "./access/access.css";

const VIEWS = { active: "In use", ended: "Ended" } as const;
type NewKey = Schemas["NewKeyView"];
type Open = { action: "edit" | "rotate" | "revoke"; key: Key } | { action: "create" } | { action: "show"; key: NewKey };

export default function Keys() {
  const keys = useRequest((client) => client.GET("/v1/keys"), []);
  const [view, setView] = useState<keyof typeof VIEWS>("active");
  const [open, setOpen] = useState<Open>();
  const isAdministration = session.value?.principal.administration ?? false;
  const shown = keys.data?.keys.filter((key) => hasEnded(key) === (view === "ended"));
  const close = () => setOpen(undefined);

  function show(key: NewKey): void {
    setOpen({ action: "show", key });
    keys.reload();
  }

  async function revoke(key: Key): Promise<void> {
    await api.DELETE("/v1/keys/{key_id}", { params: { path: { key_id: key.key_id } } });
    toast(`Revoked ${key.name}. It ends everywhere within a minute.`);
    if (isOwn(key)) signOut();
    else keys.reload();
  }

  const about = isAdministration ? "Keys that manage projects. Keys of a project are on the page of the project." : "Who may call the API of this project, and what each key may do.";
  return (
    <>
      <PageHead title="Keys" about={about}>
        <ApiCall of={keys.call} />
        <Button kind="primary" icon="plus" onClick={() => setOpen({ action: "create" })}>Create key</Button>
      </PageHead>
      <Tabs label="Keys" choices={VIEWS} value={view} onChoice={(chosen) => setView(chosen as keyof typeof VIEWS)} />
      <KeyTable
        keys={shown}
        isLoading={keys.isLoading}
        error={keys.error}
        reload={keys.reload}
        empty={<Empty icon="key" title={view === "ended" ? "No key has ended in the last 30 days" : "No keys yet"}>Keys that were revoked or have expired are listed for 30 days.</Empty>}
        onEdit={(key) => setOpen({ action: "edit", key })}
        onRotate={(key) => setOpen({ action: "rotate", key })}
        onRevoke={(key) => setOpen({ action: "revoke", key })}
      />
      {open?.action === "create" && <KeyForm onCreated={show} onClose={close} />}
      {open?.action === "edit" && <KeyForm edited={open.key} onChanged={() => { keys.reload(); close(); }} onClose={close} />}
      {open?.action === "rotate" && <Rotate of={open.key} onRotated={show} onClose={close} />}
      {open?.action === "show" && (
        <Secret title={`The key ${open.key.name}`} secret={open.key.key} onClose={close}>
          {open.key.scopes.includes("events:own") && <PageScript keyId={open.key.key_id} />}
        </Secret>
      )}
      {open?.action === "revoke" && (
        <Confirm title={`Revoke ${open.key.name}?`} action="Revoke key" danger act={() => revoke(open.key)} onClose={close}>
          {isOwn(open.key) && <p><strong>This console is signed in with this key: you will be signed out.</strong></p>}
          <p>Requests with it are refused within a minute, and so are tokens of users that it made. A revoked key cannot be restored.</p>
        </Confirm>
      )}
    </>
  );
}
