/** Erasure: what is stored of a user, a copy of it, its removal with a receipt, and the way back. */
import { useState } from "preact/hooks";
import { useSearchParams } from "wouter-preact";
import { ApiCall, Button, Card, Empty, ErrorNote, Field, Input, Loading, PageHead } from "../components";
import { useRequest } from "../hooks";
import { Erased } from "./erasure/erased";
import { storedOf } from "./erasure/owner";
import { SessionErasure } from "./erasure/session_erasure";
import { Stored } from "./erasure/stored";
import "./erasure.css";

export default function Erasure() {
  const [query, setQuery] = useSearchParams();
  const user = query.get("user") ?? "";
  const [text, setText] = useState(user);
  const state = useRequest(async (client) => (user ? storedOf(client, user) : undefined), [user]);
  const stored = state.data?.user === user ? state.data : undefined;

  function lookUp(event: Event): void {
    event.preventDefault();
    const id = text.trim();
    if (id === user) state.reload();
    else setQuery({ user: id });
  }

  return (
    <>
      <PageHead title="Erasure" about="Removes all data of a person, refuses late events of theirs, and gives you a receipt.">
        <ApiCall of={user ? state.call : undefined} />
      </PageHead>
      <Card>
        <form class="erasure-form" onSubmit={lookUp}>
          <Field label="User" hint="The id with which you send this user's events.">{(tie) => <Input {...tie} required value={text} onText={setText} />}</Field>
          <Button type="submit" kind="primary" icon="search" busy={Boolean(user) && state.isLoading}>Look up</Button>
        </form>
      </Card>
      {user ? <ErrorNote error={state.error} retry={state.reload} /> : (
        <Empty icon="trash" title="Look up a user first">You see what is stored, and can take a copy. Nothing is removed before you type the id a second time. The ids of erased users are not kept, so receipts cannot be listed: look up an id to see its receipt.</Empty>
      )}
      {user && !stored && state.isLoading && <Card><Loading lines={4} /></Card>}
      {stored?.receipt && <Erased user={user} receipt={stored.receipt} onReadmitted={state.reload} />}
      {stored && !stored.receipt && <Stored stored={stored} onErased={(receipt) => state.set({ ...stored, receipt })} />}
      <SessionErasure />
    </>
  );
}
