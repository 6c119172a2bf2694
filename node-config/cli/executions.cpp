// ls, show, watch, cancel, pause, resume, retry, signal, history: what runs and what ran.
#include "node-config/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace troupe::cli {

namespace {

struct list_options {
  std::string workflow, status, cursor;
  unsigned limit = 20;
  bool json = false, workflows = false;
};

std::string list_path(const list_options& options) {
  auto path =
      options.workflows ? std::string{"/api/v1/workflows?limit="} : "/api/v1/executions?limit=";
  path += std::to_string(options.limit);
  if (!options.status.empty())
    path += "&status=" + encoded(options.status);
  if (!options.workflow.empty())
    path += "&workflow_id=" + encoded(options.workflow);
  if (!options.cursor.empty())
    path += "&cursor=" + encoded(options.cursor);
  return path;
}

int list(api_client node, const list_options& options) {
  const auto page = node.get(list_path(options));
  if (!page)
    return print_failure(page.error());
  if (options.json) {
    std::puts(json::write_pretty(*page).c_str());
    return exit_code::ok;
  }
  std::vector<std::vector<std::string>> rows;
  const auto* items = json::find(*page, "items");
  for (const auto& one : items && items->is_array() ? items->get_array() : json::array{})
    if (options.workflows)
      rows.push_back(
          {field(one, "id"), field(one, "version"), field(one, "enabled"), field(one, "name")});
    else
      rows.push_back({field(one, "id"), field(one, "status"), field(one, "workflow_name"),
                      field(one, "started_at"), field(one, "trigger_type")});
  print_table(options.workflows
                  ? std::vector<std::string>{"ID", "VERSION", "ENABLED", "NAME"}
                  : std::vector<std::string>{"ID", "STATUS", "WORKFLOW", "STARTED", "TRIGGER"},
              rows);
  std::printf("%zu of %s\n", rows.size(), field(*page, "total_count").c_str());
  if (const auto next = field(*page, "next_cursor"); !next.empty())
    std::printf("more: --cursor %s\n", next.c_str());
  return exit_code::ok;
}

int show(api_client node, const std::string& id, bool as_json) {
  const auto run = node.get("/api/v1/executions/" + encoded(id));
  if (!run)
    return print_failure(run.error());
  if (as_json) {
    std::puts(json::write_pretty(*run).c_str());
    return exit_code::ok;
  }
  std::printf("%s  %s  %s version %s\n", paint_status(field(*run, "status")).c_str(), id.c_str(),
              field(*run, "workflow_name").c_str(), field(*run, "workflow_version").c_str());
  std::printf("started %s  completed %s  success rate %s\n", field(*run, "started_at").c_str(),
              field(*run, "completed_at").c_str(), field(*run, "success_rate").c_str());
  if (const auto* error = json::find(*run, "error"); error && error->is_object())
    std::printf("%s %s: %s\n", paint(colour::red, "error").c_str(), field(*error, "code").c_str(),
                field(*error, "message").c_str());
  std::vector<std::vector<std::string>> rows;
  const auto* steps = json::find(*run, "steps");
  for (const auto& step : steps && steps->is_array() ? steps->get_array() : json::array{}) {
    const auto iteration = field(step, "iteration");
    const auto output = field(step, "output");
    rows.push_back({field(step, "step_id") + (iteration.empty() ? "" : "[" + iteration + "]"),
                    field(step, "status"), field(step, "attempt"), field(step, "duration_seconds"),
                    output.substr(0, 60)});
  }
  print_table({"STEP", "STATUS", "ATTEMPT", "SECONDS", "OUTPUT"}, rows);
  return exit_code::ok;
}

int post(api_client node, const std::string& path, const std::string& body, const char* done) {
  const auto answer = node.send("POST", path, body);
  if (!answer)
    return print_failure(answer.error());
  std::puts(done);
  return exit_code::ok;
}

std::string at(const std::string& id, const std::string& verb) {
  return "/api/v1/executions/" + encoded(id) + "/" + verb;
}

int history(api_client node, const std::string& id, bool as_json) {
  std::uint64_t after = 0;
  for (;;) {
    const auto page = node.get(at(id, "events?limit=500&after=" + std::to_string(after)));
    if (!page)
      return print_failure(page.error());
    const auto* items = json::find(*page, "items");
    if (!items || !items->is_array() || items->get_array().empty())
      return exit_code::ok;
    for (const auto& e : items->get_array()) {
      after = json::find(e, "seq") ? json::find(e, "seq")->to_number<std::uint64_t>() : after;
      if (as_json) {
        std::puts(json::write(e).c_str());
        continue;
      }
      const auto iteration = field(e, "iteration");
      const auto node_name = field(e, "node") + (iteration.empty() ? "" : "[" + iteration + "]");
      std::printf("%6s  %s  %-20s %-20s %s\n", field(e, "seq").c_str(), field(e, "time").c_str(),
                  field(e, "kind").c_str(), node_name.c_str(),
                  field(e, "data").substr(0, 80).c_str());
    }
    if (field(*page, "has_more") != "true")
      return exit_code::ok;
  }
}

/// A subcommand that posts to …/{id}/verb.
void add_verb(CLI::App& app, context& c, const char* name, const char* help, const char* done) {
  auto* command = app.add_subcommand(name, help);
  auto id = std::make_shared<std::string>();
  command->add_option("execution", *id, "id of the execution")->required();
  add_connection(*command, c);
  const std::string verb = name;
  command->callback([&c, id, verb, done] {
    c.run = [&c, id, verb, done] { return post(c.connect(), at(*id, verb), "{}", done); };
  });
}

void add_lists(CLI::App& app, context& c) {
  auto* ls = app.add_subcommand("ls", "List executions, newest first, or workflows");
  auto options = std::make_shared<list_options>();
  ls->add_option("--workflow", options->workflow, "only of this workflow's id");
  ls->add_option("--status", options->status, "only in this status");
  ls->add_option("--limit", options->limit, "how many")->check(CLI::Range(1, 500));
  ls->add_option("--cursor", options->cursor, "go on after an earlier page");
  ls->add_flag("--workflows", options->workflows, "list workflows");
  ls->add_flag("--json", options->json, "print JSON");
  ls->footer("Example: troupe ls --status failed --limit 50");
  add_connection(*ls, c);
  ls->callback([&c, options] { c.run = [&c, options] { return list(c.connect(), *options); }; });

  auto* one = app.add_subcommand("show", "Show an execution with its steps");
  auto id = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false);
  one->add_option("execution", *id, "id of the execution")->required();
  one->add_flag("--json", *as_json, "print JSON");
  add_connection(*one, c);
  one->callback([&c, id, as_json] {
    c.run = [&c, id, as_json] { return show(c.connect(), *id, *as_json); };
  });

  auto* events = app.add_subcommand("history", "Print an execution's events");
  events->add_option("execution", *id, "id of the execution")->required();
  events->add_flag("--json", *as_json, "print one JSON event a line");
  add_connection(*events, c);
  events->callback([&c, id, as_json] {
    c.run = [&c, id, as_json] { return history(c.connect(), *id, *as_json); };
  });
}

} // namespace

void add_executions(CLI::App& app, context& c) {
  add_lists(app, c);
  auto* watch = app.add_subcommand("watch", "Follow an execution until it ends");
  auto id = std::make_shared<std::string>();
  watch->add_option("execution", *id, "id of the execution")->required();
  add_connection(*watch, c);
  watch->callback([&c, id] {
    c.run = [&c, id] {
      auto node = c.connect();
      return follow_run(node, *id, false);
    };
  });
  add_verb(app, c, "cancel", "Cancel an execution: running calls are aborted", "cancelled");
  add_verb(app, c, "pause", "Let running steps end and start no other", "paused");
  add_verb(app, c, "resume", "Go on after a pause", "resumed");

  auto* retry = app.add_subcommand("retry", "Run a finished execution again from what failed");
  auto from = std::make_shared<std::string>("failed");
  retry->add_option("execution", *id, "id of the execution")->required();
  retry->add_option("--from", *from, "'failed', or the id of a node");
  retry->footer("Example: troupe retry 0197… --from summarise");
  add_connection(*retry, c);
  retry->callback([&c, id, from] {
    c.run = [&c, id, from] {
      const auto body = json::write(json::value(json::object{{"from", *from}}));
      return post(c.connect(), at(*id, "retry"), body, "retrying");
    };
  });

  auto* signal = app.add_subcommand("signal", "Send a signal to an execution");
  auto name = std::make_shared<std::string>();
  auto data = std::make_shared<std::string>("{}");
  signal->add_option("execution", *id, "id of the execution")->required();
  signal->add_option("name", *name, "name of the signal")->required();
  signal->add_option("data", *data, "data as JSON");
  signal->footer("Example: troupe signal 0197… paid '{\"amount\": 12}'");
  add_connection(*signal, c);
  signal->callback([&c, id, name, data] {
    c.run = [&c, id, name, data] {
      return post(c.connect(), at(*id, "signals/" + encoded(*name)), *data, "signalled");
    };
  });
}

} // namespace troupe::cli
