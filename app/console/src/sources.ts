/** Where a recommended item comes from, in plain words. */

const SOURCES: Readonly<Record<string, string>> = {
  neighbors: "Learned from history",
  similar: "Similar item",
  bought_together: "Bought together",
  exploration: "New item, shown to learn about it",
  trending: "Trending now",
  popular: "Popular",
  latest: "New in the catalog",
  catalog: "From the catalog",
};

export function sourceInWords(source: string): string {
  return SOURCES[source] ?? source;
}
