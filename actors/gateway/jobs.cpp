// Handlers of jobs: a command is a skill, a job is its execution.
#include "actors/gateway/executions.hpp"
#include "actors/gateway/listing.hpp"
#include "actors/gateway/start.hpp"

#include <array>

namespace troupe::gate {

namespace {

constexpr std::string_view prefix = "skill:";

json::value first_of(const json::value& v, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys)
    if (const auto* found = json::find(v, key); found != nullptr && !found->is_null())
      return *found;
  return nullptr;
}

json::value message_of(const json::value& execution) {
  const auto* error = json::find(execution, "error");
  if (error != nullptr && error->is_object())
    return first_of(*error, {"message"});
  return first_of(execution, {"error_message"});
}

/// What the job's skill gave, out of the execution's only step.
json::value result_of(const json::value& execution) {
  const auto* steps = json::find(execution, "steps");
  if (steps == nullptr || !steps->is_array() || steps->get_array().empty())
    return nullptr;
  return first_of(steps->get_array().front(), {"output"});
}

json::value progress_of(const json::value& execution) {
  const auto* steps = json::find(execution, "steps");
  if (steps == nullptr || !steps->is_array() || steps->get_array().empty())
    return nullptr;
  return first_of(steps->get_array().front(), {"progress"});
}

json::object job_of(const json::value& execution) {
  const auto workflow = json::text_or(execution, "workflow_id", "");
  const auto command = workflow.starts_with(prefix) ? workflow.substr(prefix.size()) : workflow;
  return {{"job_id", first_of(execution, {"id", "execution_id"})},
          {"command", json::string(command)},
          {"app", first_of(execution, {"triggered_by"})},
          {"status", first_of(execution, {"status"})},
          {"result", result_of(execution)},
          {"error_message", message_of(execution)},
          {"created", first_of(execution, {"created_at", "started_at"})},
          {"updated", first_of(execution, {"completed_at", "started_at", "created_at"})},
          {"progress", progress_of(execution)}};
}

/// A command is called by the skill's name, with or without the application in front.
std::string skill_of(const call_ptr& c, const std::string& app, const std::string& command) {
  const auto skills = items_of(c->engine().skills(), "skills");
  for (const auto& name : std::array{command, app + "." + command, app + "/" + command})
    for (const auto& skill : skills)
      if (json::text_or(skill, "skill_type", "") == name)
        return name;
  return command;
}

void submit_job(const call_ptr& c) {
  rest::fields in(c->body);
  const auto command = in.required_text("command");
  const auto app = in.text("app");
  const auto* input = in.map("input");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  json::object given = input == nullptr ? json::object{} : *input;
  with_skill_workflow(c, skill_of(c, app, command), given, [=](const workflow_ptr& w) {
    auto what = skill_start(*w, given, "job");
    what.triggered_by = app;
    if (!read_start_headers(c, what))
      return;
    c->engine().start(std::move(what), then<started_run>(c, [c](const started_run& run) {
                        const auto id = to_text(run.id);
                        c->at(run.at);
                        c->header("Location", "/api/v1/commands/jobs/" + id);
                        c->json(202, json::object{{"job_id", json::string(id)},
                                                  {"execution_id", json::string(id)},
                                                  {"status", "submitted"},
                                                  {"message", "The job was accepted."}});
                      }));
  });
}

void list_jobs(const call_ptr& c) {
  execution_filter what;
  what.trigger_type = "job";
  if (!read_run_filter(c, what))
    return;
  auto at_least = positions_of(c);
  if (!at_least)
    return;
  c->engine().query(std::move(what), std::move(*at_least), then<view_page>(c, [c](view_page page) {
                      for (auto& item : page.items)
                        if (const auto parsed = json::parse(item))
                          item = json::write(job_of(*parsed));
                      c->page(page);
                    }));
}

void answer_job(const call_ptr& c, const run_id& run) {
  read_run(c, run, [c](const execution_text& got) {
    const auto parsed = json::parse(*got.json);
    if (!parsed)
      return c->refuse(parsed.error());
    c->json(200, job_of(*parsed));
  });
}

void read_job(const call_ptr& c) {
  if (const auto run = run_of(c))
    answer_job(c, *run);
}

void cancel_job(const call_ptr& c) {
  if (const auto run = run_of(c))
    command_run(c, *run, commands::cancel{"Cancelled by user", "user"},
                [c, run = *run](const done_at&) { answer_job(c, run); });
}

void list_commands(const call_ptr& c) {
  auto all = items_of(c->engine().skills(), "skills");
  for (auto& skill : all)
    if (auto* o = skill.if_object())
      (*o)["command"] = json::string(json::text_or(skill, "skill_type", ""));
  c->page_of(all);
}

} // namespace

std::vector<handler_row> job_handlers() {
  return {{"submit_job", submit_job},
          {"list_jobs", list_jobs},
          {"read_job", read_job},
          {"cancel_job", cancel_job},
          {"list_commands", list_commands}};
}

} // namespace troupe::gate
