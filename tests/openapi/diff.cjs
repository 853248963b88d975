// Prints the breaking changes from one OpenAPI document to another, one a line; api-smart-diff classifies them.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const [modules, before, after] = process.argv.slice(2);
const { compareOpenApi } = createRequire(modules + "/")("api-smart-diff");
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
for (const change of compareOpenApi(read(before), read(after), {}).diffs) {
  // the same change is reported where it is used and where it is defined; the first says more
  if (change.type === "breaking" && change.path[0] !== "components") console.log(change.action, change.path.join("/"));
}
