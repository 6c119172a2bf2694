#include "net/rest/openapi.hpp"

namespace troupe::rest {

std::string_view docs_html() noexcept {
  return R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Troupe API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem 1.5rem;
color:#1d2530}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ccd3dc}
details{border:1px solid #dde3ea;border-radius:6px;margin:.4rem 0;padding:.3rem .7rem}
summary{cursor:pointer}code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:#f4f6f9;padding:.6rem;overflow:auto;border-radius:4px}
.verb{display:inline-block;min-width:4.2rem;font-weight:700}table{border-collapse:collapse}
td,th{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top}
input{font:inherit;width:100%;padding:.35rem .5rem;box-sizing:border-box}
</style></head><body>
<h1>Troupe API</h1>
<p id="about">The description itself: <a href="/openapi.json">/openapi.json</a></p>
<input id="search" type="search" aria-label="Find a route" placeholder="Find a route">
<main id="routes">
<noscript>This page needs its script; the description is at /openapi.json.</noscript></main>
<script src="/docs?script"></script></body></html>
)html";
}

std::string_view docs_script() noexcept {
  return R"js("use strict";
function make(tag, text, parent) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (parent) parent.appendChild(node);
  return node;
}
function showSchema(title, schema, parent) {
  make("h4", title, parent);
  make("pre", JSON.stringify(schema, null, 2), parent);
}
function resolve(api, schema) {
  if (!schema || !schema.$ref) return schema;
  return api.components.schemas[schema.$ref.split("/").pop()];
}
function showOperation(api, path, verb, operation, parent) {
  const box = make("details", "", parent);
  box.id = operation.operationId;
  const line = make("summary", "", box);
  make("span", verb.toUpperCase(), line).className = "verb";
  make("code", path, line);
  line.append(" " + operation.summary);
  box.dataset.find = (verb + " " + path + " " + operation.summary).toLowerCase();
  if (operation.parameters.length) {
    const table = make("table", "", box);
    for (const p of operation.parameters) {
      const row = make("tr", "", table);
      make("td", p.name, row);
      make("td", p.in, row);
      make("td", JSON.stringify(p.schema), row);
    }
  }
  if (operation.requestBody) {
    const content = operation.requestBody.content;
    showSchema("Body: " + Object.keys(content).join(", "),
               resolve(api, content["application/json"].schema), box);
  }
  for (const [status, answer] of Object.entries(operation.responses)) {
    const type = Object.keys(answer.content || {})[0];
    const title = status + " " + answer.description + (type ? ": " + type : "");
    if (type && status < "400") showSchema(title, resolve(api, answer.content[type].schema), box);
    else make("p", title, box);
  }
}
async function start() {
  const api = await (await fetch("/openapi.json")).json();
  const groups = {};
  for (const [path, item] of Object.entries(api.paths))
    for (const [verb, operation] of Object.entries(item))
      (groups[operation.tags[0]] = groups[operation.tags[0]] || []).push([path, verb, operation]);
  const routes = document.getElementById("routes");
  for (const [tag, list] of Object.entries(groups)) {
    const section = make("section", "", routes);
    make("h2", tag, section);
    for (const [path, verb, operation] of list) showOperation(api, path, verb, operation, section);
  }
  document.getElementById("search").addEventListener("input", event => {
    const text = event.target.value.toLowerCase();
    for (const box of routes.querySelectorAll("details"))
      box.hidden = !box.dataset.find.includes(text);
  });
}
start().catch(error => { document.getElementById("about").textContent = String(error); });
)js";
}

} // namespace troupe::rest
