// Draws /openapi.json: operations by tag, their parameters, bodies and answers.

import { $, make } from "/page/words.js";

const short = (schema) => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const many = schema.oneOf ?? schema.anyOf;
  if (many) return many.map(short).join(" or ");
  if (schema.type === "array") return `list of ${short(schema.items)}`;
  const bounds = [schema.minimum !== undefined && `≥ ${schema.minimum}`, schema.maximum !== undefined && `≤ ${schema.maximum}`,
    schema.default !== undefined && schema.default !== null && `default ${JSON.stringify(schema.default)}`].filter(Boolean);
  const base = schema.enum ? schema.enum.join(" | ") : schema.type ?? "any";
  return bounds.length ? `${base} (${bounds.join(", ")})` : base;
};

const table = (rows) => make("table", {}, ...rows.map(([head, ...cells]) =>
  make("tr", {}, make("th", { scope: "row" }, head), ...cells.map((cell) => make("td", {}, cell)))));

function operation(verb, path, told) {
  const inside = [];
  if (told.parameters) {
    const rows = told.parameters.map((each) => [each.name, each.in, short(each.schema), each.description ?? ""]);
    inside.push(make("strong", {}, "Parameters"), table(rows));
  }
  if (told.requestBody) inside.push(make("p", {}, make("strong", {}, "Body: "), make("code", {}, short(told.requestBody.content["application/json"].schema))));
  const answers = Object.entries(told.responses).map(([status, each]) =>
    [status, short(Object.values(each.content ?? {})[0]?.schema), each.description]);
  inside.push(make("strong", {}, "Answers"), table(answers));
  return make("details", {}, make("summary", {}, make("span", { class: `verb ${verb}` }, verb), make("code", {}, path),
    make("span", { class: "about" }, told.summary)), make("div", { class: "inside" }, ...inside));
}

const document_ = await (await fetch("/openapi.json")).json();
const tags = new Map();
for (const [path, verbs] of Object.entries(document_.paths)) {
  for (const [verb, told] of Object.entries(verbs)) {
    const tag = told.tags?.[0] ?? "more";
    tags.set(tag, [...(tags.get(tag) ?? []), operation(verb, path, told)]);
  }
}
$("about").textContent = document_.info.description.replaceAll("`", "");
$("operations").replaceChildren(...[...tags].map(([tag, all]) => make("section", {}, make("h2", {}, tag), ...all)));
$("problems").replaceChildren(...document_["x-problems"].flatMap((each) =>
  [make("dt", { id: each.kind }, `${each.status} ${each.title}`), make("dd", {}, each.meaning)]));
$("shapes").replaceChildren(...Object.entries(document_.components.schemas).map(([name, schema]) =>
  make("details", { id: `shape-${name}` }, make("summary", {}, make("code", {}, name)),
    make("pre", {}, JSON.stringify(schema, null, 2)))));
if (location.hash) $(location.hash.slice(1))?.scrollIntoView();
