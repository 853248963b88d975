/** Users: found by id, and one user with properties, events and personal list. */
import { useParams } from "wouter-preact";
import { UserPage } from "./users/user";
import { Users } from "./users/users";
import "./records/records.css";

export default function UsersPage() {
  const { id } = useParams<{ id?: string }>();
  return id === undefined ? <Users /> : <UserPage key={id} id={decodeURIComponent(id)} />;
}
