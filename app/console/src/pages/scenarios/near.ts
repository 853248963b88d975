/** The word that was probably meant. */

/** The closest of `words`, if few letters differ. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const typed = word.toLowerCase();
  const most = Math.max(1, Math.floor(word.length / 3));
  const ranked = words
    .map((each) => ({ each, changes: distance(typed, each.toLowerCase(), most) }))
    .filter(({ changes }) => changes <= most)
    .toSorted((a, b) => a.changes - b.changes);
  return ranked[0]?.each;
}

/** The number of letters to add, remove or replace (Levenshtein); not counted if the lengths differ by more than `most`. */
function distance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1;
  let before = Array.from({ length: to.length + 1 }, (_, count) => count);
  for (const [row, letter] of [...from].entries()) {
    const now = [row + 1];
    for (const [column, other] of [...to].entries()) {
      now.push(Math.min((before[column + 1] ?? 0) + 1, (now[column] ?? 0) + 1, (before[column] ?? 0) + (letter === other ? 0 : 1)));
    }
    before = now;
  }
  return before[to.length] ?? most + 1;
}
