// apply, run: from a file to a workflow, from a workflow to a run.
#include "node-config/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace troupe::cli {

namespace {

result<std::string> read_text(const std::string& path) {
  std::stringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return failure{failure_kind::invalid, "usage", "The file " + path + " cannot be read.", {}, {}};
  text << in.rdbuf();
  return text.str();
}

bool yaml(const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml");
}

/// The id of the only workflow of that name; empty when there is none.
result<std::string> id_of_name(api_client& node, const std::string& name) {
  auto page = node.get("/api/v1/workflows?limit=500&query=" + encoded(name));
  if (!page)
    return std::move(page).error();
  std::string found;
  const auto* items = json::find(*page, "items");
  for (const auto& one : items && items->is_array() ? items->get_array() : json::array{}) {
    if (json::text_or(one, "name", "") != name)
      continue;
    if (!found.empty())
      return failure{failure_kind::conflict,
                     "name_ambiguous",
                     "Several workflows are called '" + name + "'.",
                     "Name one of them by its id.",
                     {}};
    found = json::text_or(one, "id", "");
  }
  return found;
}

/// The workflow as the node understands the file, without storing it.
result<std::string> name_in(const std::string& text, const std::string& path) {
  if (const auto parsed = json::parse(text))
    return std::string{json::text_or(*parsed, "name", "")};
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("name:")) {
      auto name = line.substr(5);
      const auto first = name.find_first_not_of(" \"'");
      const auto last = name.find_last_not_of(" \"'\r");
      return first == std::string::npos ? std::string{} : name.substr(first, last - first + 1);
    }
  return failure{
      failure_kind::invalid, "usage", "The file " + path + " has no top-level name.", {}, {}};
}

/// What is wrong with a definition, before it is asked which workflow it is.
result<void> check_definition(api_client& node, const std::string& text, const std::string& type) {
  const auto checked = node.send("POST", "/api/v1/workflows/validate", text, type);
  if (!checked)
    return checked.error();
  const auto* errors = json::find(*checked, "errors");
  if (errors == nullptr || !errors->is_array() || errors->get_array().empty())
    return {};
  failure why = invalid("workflow_invalid", "The definition has errors.");
  for (const auto& e : errors->get_array())
    why.node_errors.push_back(
        {field(e, "node"), field(e, "field"), field(e, "code"), field(e, "message")});
  return why;
}

result<json::value> apply_file(api_client& node, const std::string& path, const std::string& id) {
  const auto text = read_text(path);
  if (!text)
    return text.error();
  const std::string type = yaml(path) ? "application/yaml" : "application/json";
  if (const auto good = check_definition(node, *text, type); !good)
    return good.error();
  const auto name = id.empty() ? name_in(*text, path) : result<std::string>{std::string{}};
  if (!name)
    return name.error();
  const auto known = id.empty() ? id_of_name(node, *name) : result<std::string>{id};
  if (!known)
    return known.error();
  if (known->empty())
    return node.send("POST", "/api/v1/workflows", *text, type);
  return node.send("PUT", "/api/v1/workflows/" + *known, *text, type);
}

std::vector<std::string> definition_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const auto& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (const auto name = entry.path().string(); yaml(name) || name.ends_with(".json"))
        files.push_back(name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

int apply_all(api_client node, const std::vector<std::string>& paths, const std::string& id) {
  int code = exit_code::ok;
  const auto files = definition_files(paths);
  if (!id.empty() && files.size() != 1)
    return print_failure({failure_kind::invalid, "usage", "--id goes with one file.", {}, {}});
  for (const auto& path : files) {
    const auto applied = apply_file(node, path, id);
    if (!applied) {
      std::fprintf(stderr, "%s\n", path.c_str());
      code = print_failure(applied.error());
      continue;
    }
    std::printf("%s  %s  version %s  %s\n", paint(colour::green, "applied").c_str(),
                field(*applied, "id").c_str(), field(*applied, "version").c_str(),
                field(*applied, "name").c_str());
  }
  return code;
}

struct run_options {
  std::string workflow, input = "{}", key, priority;
  bool detach = false, dry_run = false, quiet = false;
};

result<std::string> body_of(const run_options& options) {
  auto text = options.input.starts_with('@') ? read_text(options.input.substr(1))
                                             : result<std::string>{options.input};
  if (!text)
    return text;
  auto input = json::parse(*text);
  if (!input)
    return failure{failure_kind::invalid,
                   "usage",
                   "--input is not JSON: " + input.error().message,
                   "Give JSON, or @file.json.",
                   {}};
  json::object body{{"input_data", std::move(*input)}, {"dry_run", options.dry_run}};
  if (!options.priority.empty())
    body["priority"] = options.priority;
  return json::write(json::value(std::move(body)));
}

int run_workflow(api_client node, const run_options& options) {
  const auto body = body_of(options);
  if (!body)
    return print_failure(body.error());
  auto id = id_of_name(node, options.workflow);
  if (!id)
    return print_failure(id.error());
  const auto target = id->empty() ? options.workflow : *id;
  const auto started = node.send("POST", "/api/v1/workflows/" + encoded(target) + "/execute", *body,
                                 "application/json", options.key);
  if (!started)
    return print_failure(started.error());
  const auto execution = field(*started, "execution_id");
  if (options.detach) {
    std::puts(execution.c_str());
    return exit_code::ok;
  }
  return follow_run(node, execution, options.quiet);
}

} // namespace

void add_workflows(CLI::App& app, context& c) {
  auto* apply = app.add_subcommand("apply", "Store workflows from JSON or YAML files or folders");
  auto paths = std::make_shared<std::vector<std::string>>();
  auto id = std::make_shared<std::string>();
  apply->add_option("files", *paths, "files or folders; - reads standard input")->required();
  apply->add_option("--id", *id, "the workflow to replace; otherwise the one of the same name");
  apply->footer("Example: troupe apply examples/");
  add_connection(*apply, c);
  apply->callback(
      [&c, paths, id] { c.run = [&c, paths, id] { return apply_all(c.connect(), *paths, *id); }; });

  auto* run = app.add_subcommand("run", "Start a workflow and watch it");
  auto options = std::make_shared<run_options>();
  run->add_option("workflow", options->workflow, "name or id")->required();
  run->add_option("-i,--input", options->input, "input as JSON, or @file.json");
  run->add_option("-k,--key", options->key, "idempotency key: a repeat answers the same run");
  run->add_option("--priority", options->priority, "high, normal or low");
  run->add_flag("-d,--detach", options->detach, "print the execution's id and return");
  run->add_flag("--dry-run", options->dry_run, "no effect leaves the node");
  run->add_flag("-q,--quiet", options->quiet, "print only the end");
  run->footer("Example: troupe run hello --input '{\"name\": \"Ada\"}'");
  add_connection(*run, c);
  run->callback(
      [&c, options] { c.run = [&c, options] { return run_workflow(c.connect(), *options); }; });
}

} // namespace troupe::cli
