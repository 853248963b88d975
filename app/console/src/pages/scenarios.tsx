/** Scenarios: the stored settings of placements, or the editor of one of them. */
import { useParams } from "wouter-preact";
import { Editor } from "./scenarios/editor";
import { List } from "./scenarios/list";
import "./scenarios.css";

export default function Scenarios() {
  const { id } = useParams<{ id?: string }>();
  return id ? <Editor key={id} scenarioId={decodeURIComponent(id)} /> : <List />;
}
