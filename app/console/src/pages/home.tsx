/** Home: the state of the project at a glance, or the first steps of an empty one. */
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { ApiCall, Empty, ErrorNote, Loading, Note, PageHead } from "../components";
import { useRequest } from "../hooks";
import { may, session } from "../session";
import { Cost } from "./home/cost";
import { FirstSteps } from "./home/first_steps";
import { LiveEvents } from "./home/live_events";
import { Model } from "./home/model";
import { State } from "./home/state";
import { Traffic } from "./home/traffic";
import { Trending } from "./home/trending";
import "./home.css";

const [EVENTS_SECONDS, MODELS_SECONDS, USAGE_SECONDS] = [2, 5, 60]; // servers write usage every minute

export default function Home() {
  const principal = session.value?.principal;
  if (principal?.administration) {
    return (
      <>
        <PageHead title="Home" />
        <Empty icon="building" title="This key manages projects">It has no data of its own: <Link href="/projects">go to Projects</Link>, or sign in with a key of a project to see that project.</Empty>
      </>
    );
  }
  return may("admin") ? <Overview project={principal?.project ?? ""} /> : <Trends />;
}

function Overview({ project }: { project: string }) {
  const events = useRequest((api) => api.GET("/v1/event-types"), [], { everySeconds: EVENTS_SECONDS });
  const usage = useRequest((api) => api.GET("/v1/usage", { params: { query: { days: 60 } } }), [], { everySeconds: USAGE_SECONDS });
  const versions = useRequest((api) => api.GET("/v1/models", { params: { query: { limit: 20 } } }), [], { everySeconds: MODELS_SECONDS });
  const [isNew, setNew] = useState<boolean>();

  const total = events.data?.event_types.reduce((sum, { count }) => sum + count, 0);
  if (isNew === undefined && total !== undefined && versions.data) setNew(total === 0 && versions.data.versions.length === 0);
  const active = versions.data?.versions.find((version) => version.active);
  const head = <PageHead title="Home" about={<>What is in <strong>{project}</strong>, and how it does.</>}><ApiCall of={usage.call} /></PageHead>;
  if (total === undefined || isNew === undefined) {
    return <>{head}<ErrorNote error={events.error ?? versions.error} retry={events.reload} /><Loading lines={6} /></>;
  }
  if (isNew) return <>{head}<FirstSteps onDone={() => { setNew(false); versions.reload(); }} /></>;
  return (
    <>
      {head}
      <ErrorNote error={events.error ?? usage.error ?? versions.error} retry={() => { events.reload(); usage.reload(); versions.reload(); }} />
      <State total={total} usage={usage.data?.days} active={active} />
      <div class="grid home-main">
        <LiveEvents total={total} />
        <Model versions={versions.data?.versions} />
      </div>
      <div class="grid home-main">
        <Traffic usage={usage.data?.days} />
        <Cost usage={usage.data} />
      </div>
      <Trending />
    </>
  );
}

function Trends() {
  return (
    <>
      <PageHead title="Home" about="What is used the most right now." />
      <Note>This key may not see the state of the project. Sign in with an admin key to see it.</Note>
      <Trending />
    </>
  );
}
