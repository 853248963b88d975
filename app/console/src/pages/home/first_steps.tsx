/** Three steps of a project without data: load a file, send an event, see a list. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { api, type Schemas } from "../../api";
import { Button, DropFile, ErrorNote, Field, Icon, Input, ItemCard, JobProgress, type Job, Note, toast } from "../../components";
import { amounts, count } from "../../format";
import { useAction, useRequest } from "../../hooks";
import { startImport } from "../../imports";
import { sourceInWords } from "../../sources";
import { reasonsIn } from "../import/fields";
import { resultOf } from "../jobs/job";

const ITEMS = 6;

export function FirstSteps({ onDone }: { onDone: () => void }) {
  const [loaded, setLoaded] = useState<Job>();
  const [user, setUser] = useState<string>();
  const [token, setToken] = useState<string>();
  return (
    <div class="stack">
      <Note tone="accent">This project is empty. Three steps lead to the first recommendations.</Note>
      <ol class="steps">
        <Step number={1} title="Load a file" isDone={loaded !== undefined}>
          <LoadFile onLoaded={setLoaded} />
        </Step>
        <Step number={2} title="Send an event" isDone={token !== undefined}>
          <SendEvent onSent={(sender, freshness) => { setUser(sender); setToken(freshness); }} />
        </Step>
        <Step number={3} title="See a list" isDone={false}>
          {user && token ? <List user={user} after={token} /> : <p class="muted">After the first event, the list of its user is here, with the reasons.</p>}
        </Step>
      </ol>
      <div class="row"><Button onClick={onDone}>Go to the overview</Button></div>
    </div>
  );
}

function Step({ number, title, isDone, children }: { number: number; title: string; isDone: boolean; children: ComponentChildren }) {
  return (
    <li>
      <section class="card">
        <span class={isDone ? "mark is-done" : "mark"}>{isDone ? <Icon name="check" /> : number}</span>
        <div class="stack">
          <h2>{title}{isDone && <span class="hidden-text"> (done)</span>}</h2>
          {children}
        </div>
      </section>
    </li>
  );
}

function LoadFile({ onLoaded }: { onLoaded: (job: Job) => void }) {
  const [job, setJob] = useState<Job>();
  const [ended, setEnded] = useState<Job>();
  const loading = useAction(async (file: File) => {
    setJob(undefined);
    setEnded(undefined);
    setJob(await startImport(file));
  });
  const training = useAction(async () => {
    await api.POST("/v1/models", { body: { force: false } });
    toast("The training has started. The overview shows how far it is.");
  });

  function end(over: Job): void {
    setEnded(over);
    if (over.state === "succeeded") onLoaded(over);
  }

  return (
    <>
      <DropFile disabled={loading.isRunning} onFile={(file) => void loading.run(file)}>
        Events, items or users as CSV, TSV, JSON Lines or Parquet, also compressed. Serendip works out what the columns mean.
      </DropFile>
      <ErrorNote error={loading.error} />
      {ended?.state === "failed" ? (
        <ErrorNote error={new Error(resultOf(ended))} />
      ) : (
        job && <JobProgress key={job.job_id} jobId={job.job_id} label="Import" onEnd={end} showsFailure={false} />
      )}
      {ended?.summary && <Summary summary={ended.summary} />}
      {ended?.summary?.records.events && (
        <div class="row">
          <Button icon="layers" busy={training.isRunning} onClick={() => void training.run()}>Train a model on them</Button>
        </div>
      )}
      <ErrorNote error={training.error} />
    </>
  );
}

function Summary({ summary }: { summary: Schemas["ImportSummary"] }) {
  return (
    <Note tone={summary.rejected ? "warn" : "good"}>
      Loaded {amounts(summary.records) || "nothing"} from {count(summary.read)} rows.
      {summary.rejected > 0 && ` ${count(summary.rejected)} rows were rejected: ${reasonsIn(summary)}.`}
    </Note>
  );
}

function SendEvent({ onSent }: { onSent: (user: string, token: string) => void }) {
  const [user, setUser] = useState("ann");
  const [item, setItem] = useState("");
  const [type, setType] = useState("view");
  const items = useRequest((client) => client.GET("/v1/items", { params: { query: { limit: 50 } } }), []);
  const sending = useAction(async () => {
    const event = { user_id: user.trim(), item_id: item.trim(), event_type: type.trim() };
    const { freshness_token } = await api.POST("/v1/events", { body: { events: [event] } });
    toast(`Sent: ${event.user_id} ${event.event_type} ${event.item_id}.`);
    onSent(event.user_id, freshness_token);
  });
  return (
    <form class="stack tight" onSubmit={(event) => { event.preventDefault(); void sending.run(); }}>
      <div class="step-form">
        <Field label="User">{(tie) => <Input {...tie} required value={user} onText={setUser} />}</Field>
        <Field label="Item">{(tie) => <Input {...tie} required list="first-items" placeholder="Its id" value={item} onText={setItem} onFocus={items.reload} />}</Field>
        <Field label="Event type">{(tie) => <Input {...tie} required value={type} onText={setType} />}</Field>
        <Button type="submit" kind="primary" busy={sending.isRunning}>Send event</Button>
      </div>
      <datalist id="first-items">
        {items.data?.items.map((each) => <option key={each.item_id} value={each.item_id}>{each.title}</option>)}
      </datalist>
      <ErrorNote error={sending.error} />
    </form>
  );
}

function List({ user, after }: { user: string; after: string }) {
  const list = useRequest(
    (client) =>
      client.GET("/v1/users/{user_id}/recommendations", {
        params: { path: { user_id: user }, query: { limit: ITEMS, properties: true, fresh_after: after } },
      }),
    [user, after],
    { everySeconds: 2 },
  );
  return (
    <>
      <ErrorNote error={list.error} retry={list.reload} />
      {list.data?.items.length === 0 && (
        <p class="muted">There is nothing to recommend yet that {user} does not know. New events count within seconds; load more, or send some of other items.</p>
      )}
      <div class="items">
        {list.data?.items.map((item) => (
          <ItemCard key={item.item_id} item={item}>
            <p class="small muted">{reasonOf(item)}</p>
          </ItemCard>
        ))}
      </div>
    </>
  );
}

function reasonOf({ reasons, source }: Schemas["RecommendationView"]): string {
  const reason = reasons?.[0];
  return reason ? `Because of ${reason.event_type} of ${reason.title || reason.item_id}` : sourceInWords(source);
}
