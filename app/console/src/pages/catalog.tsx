/** Catalog: finding items, and one item with everything about it. */
import { useParams } from "wouter-preact";
import { ItemPage } from "./catalog/item";
import { Items } from "./catalog/items";
import "./records/records.css";
import "./catalog.css";

export default function Catalog() {
  const { id } = useParams<{ id?: string }>();
  return id === undefined ? <Items /> : <ItemPage key={id} id={decodeURIComponent(id)} />;
}
