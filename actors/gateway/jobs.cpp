// Handlers of jobs: a command is a skill, a job is its execution.
#include "actors/gateway/executions.hpp"
#include "actors/gateway/listing.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "actors/gateway/skill_record.hpp"
#include "actors/gateway/start.hpp"

#include <array>
#include <utility>

namespace troupe::gate {

namespace {

/// Runs the skill that its input names.
constexpr std::string_view any_skill = "skill";

json::value message_of(const json::value& execution) {
  const auto* error = json::find(execution, "error");
  if (error != nullptr && error->is_object())
    return first_of(*error, {"message"});
  return first_of(execution, {"error_message"});
}

/// What the worker said last, while it runs.
json::value progress_of(const json::value& execution) {
  const auto* last = json::find(execution, "progress");
  return last == nullptr ? json::value(nullptr) : first_of(*last, {"progress"});
}

json::object job_of(const json::value& execution) {
  const auto id = first_of(execution, {"id", "execution_id"});
  return {{"id", id},
          {"job_id", id},
          {"command", json::string(skill_type_of(execution))},
          {"app", first_of(execution, {"triggered_by"})},
          {"status", first_of(execution, {"status"})},
          {"result", step_member(execution, "output")},
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

struct job_request {
  std::string app, skill;
  json::object parameters;
};

std::optional<job_request> job_request_of(const call_ptr& c) {
  rest::fields in(c->body);
  const auto command = in.required_text("command");
  job_request out;
  out.app = in.text("app");
  const auto* input = in.map("input");
  if (input != nullptr)
    out.parameters = *input;
  if (command == any_skill) {
    const json::object given = std::exchange(out.parameters, {});
    rest::fields inner(given, "input.");
    out.skill = inner.required_text("skill_type");
    if (const auto* parameters = inner.map("parameters"))
      out.parameters = *parameters;
    if (const auto fault = inner.fault()) {
      c->refuse(*fault);
      return std::nullopt;
    }
  } else {
    out.skill = skill_of(c, out.app, command);
  }
  if (const auto fault = in.fault()) {
    c->refuse(*fault);
    return std::nullopt;
  }
  return out;
}

void submit_job(const call_ptr& c) {
  if (sent_to_control(c)) // there a command's skill is known
    return;
  const auto job = job_request_of(c);
  if (!job)
    return;
  with_skill_workflow(c, job->skill, job->parameters, [c, job = *job](const workflow_ptr& w) {
    auto what = skill_start(*w, job.parameters, "job");
    what.triggered_by = job.app;
    if (!read_start_headers(c, what))
      return;
    c->engine().start(std::move(what), then<started_run>(c, [c](const started_run& run) {
                        const auto id = to_text(run.id);
                        c->begins(run);
                        c->at(run.at);
                        c->header("Location", "/api/v1/commands/jobs/" + id);
                        c->json(202, json::object{{"id", json::string(id)},
                                                  {"job_id", json::string(id)},
                                                  {"execution_id", json::string(id)},
                                                  {"status", "submitted"},
                                                  {"message", "The job was accepted."}});
                      }));
  });
}

void list_jobs(const call_ptr& c) {
  execution_filter what;
  what.trigger_type = "job";
  list_runs_as(c, std::move(what), job_of);
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
  if (sent_to_control(c))
    return;
  auto all = items_of(c->engine().skills(), "skills");
  for (auto& skill : all)
    if (auto* o = skill.if_object())
      (*o)["command"] = json::string(json::text_or(skill, "skill_type", ""));
  all.push_back(json::object{
      {"command", json::string(any_skill)},
      {"description", "Runs the skill that the input names: {skill_type, parameters}"}});
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
