/** Home: the state of the project at a glance. */
import { Badge, Card, ErrorNote, Loading, PageHead } from "../components";
import { useRequest } from "../hooks";
import { session } from "../session";

export default function Home() {
  const health = useRequest((api) => api.GET("/health/ready"), []);
  return (
    <>
      <PageHead title="Home" about={`What is in ${session.value?.principal.project ?? "the project"}, and how it does.`} />
      <Card title="Health">
        <ErrorNote error={health.error} retry={health.reload} />
        {health.data ? <Badge tone="good">{health.data.status}</Badge> : <Loading lines={1} />}
      </Card>
    </>
  );
}
