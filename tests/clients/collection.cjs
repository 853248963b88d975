// Prints a collection of requests with the examples of an OpenAPI document, in Postman's format, which Bruno, Insomnia and
// others import: `node collection.cjs TOOLS DOCUMENT`.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");

const [, , tools, document] = process.argv;
const { brunoToPostman, openApiToBruno } = createRequire(`${tools}/`)("@usebruno/converters");

const KEY = "X-API-Key";
const AUTH = { mode: "apikey", apikey: { key: KEY, value: "{{apiKey}}", placement: "header" } };

// The methods, addresses and names of the parameters that an operation needs.
function required(document) {
  const names = new Set();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { parameters = [] }] of Object.entries(operations)) {
      for (const { name, required } of parameters) {
        if (required) names.add(`${method} {{baseUrl}}${path.replace(/\{(\w+)\}/g, ":$1")} ${name}`);
      }
    }
  }
  return names;
}

async function main() {
  const content = JSON.parse(readFileSync(document, "utf8"));
  const needed = required(content);
  const isNeeded = ({ method, url }, name) => needed.has(`${method.toLowerCase()} ${url.raw ?? url} ${name}`);
  const bruno = await openApiToBruno(content);
  bruno.root.request.auth = AUTH;
  for (const item of bruno.items.flatMap((folder) => folder.items)) {
    delete item.examples; // of responses: nine tenths of the file
    const { request } = item;
    request.auth = { mode: "inherit" };
    request.headers = request.headers.filter(({ name }) => name !== KEY);
    for (const header of request.headers) header.enabled = isNeeded(request, header.name);
  }
  const postman = brunoToPostman(bruno);
  for (const { request } of postman.item.flatMap((folder) => folder.item)) {
    for (const parameter of request.url.query) parameter.disabled = !isNeeded(request, parameter.key);
  }
  for (const variable of postman.variable) {
    if (variable.key === "baseUrl") variable.value = "http://127.0.0.1:8000";
  }
  console.log(JSON.stringify(postman, null, 2));
}

main();
