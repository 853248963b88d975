/** Users of events and profiles. */

/** Each user's id once, in the order of the records; events of sessions have no user. */
export function userIdsOf(records: readonly { user_id: string }[]): string[] {
  return [...new Set(records.map(({ user_id }) => user_id).filter(Boolean))];
}
