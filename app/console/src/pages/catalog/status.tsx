/** Whether an item can be recommended. */
import type { Schemas } from "../../api";
import { Badge } from "../../components";

export function Status({ item }: { item: Schemas["ItemView"] }) {
  if (item.hidden) return <Badge tone="warn">hidden</Badge>;
  if (item.expires_at && new Date(item.expires_at) <= new Date()) return <Badge tone="warn">expired</Badge>;
  return <Badge tone="good">shown</Badge>;
}
