/** Events: the newest of all users as they arrive, their types, and what could not be used. */
import { useSearchParams } from "wouter-preact";
import { PageHead, Tabs } from "../components";
import { may } from "../session";
import { Failures } from "./events/failures";
import { EventFeed } from "./events/feed";
import { EventTypes } from "./events/types";
import "./records/records.css";
import "./events.css";

const VIEWS = { feed: "Newest events", types: "Types and weights", failures: "Refused" };

export default function Events() {
  const [query, setQuery] = useSearchParams();
  const view = query.get("view") ?? "feed";
  return (
    <>
      <PageHead title="Events" about="What users did, as it arrives." />
      {may("admin") && <Tabs label="View" choices={VIEWS} value={view} onChoice={(each) => setQuery(each === "feed" ? {} : { view: each }, { replace: true })} />}
      {view === "types" ? <EventTypes /> : view === "failures" ? <Failures /> : <EventFeed />}
    </>
  );
}
