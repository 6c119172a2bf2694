// Handlers of external workers.
#include "actors/gateway/call.hpp"
#include "actors/gateway/listing.hpp"
#include "actors/gateway/relayed_call.hpp"

namespace troupe::gate {

namespace {

void list_workers(const call_ptr& c) {
  if (sent_to_control(c))
    return;
  c->page_of(items_of(c->engine().workers(), "workers"));
}

/// The first of a worker's skills that the node itself has; empty: none.
std::string built_in_skill(const call_ptr& c, const json::array* wanted) {
  const auto known = items_of(c->engine().skills(), "skills");
  for (const auto& one : wanted == nullptr ? json::array{} : *wanted)
    for (const auto& skill : known)
      if (const auto type = json::text_or(one, "skill_type", "");
          json::text_or(skill, "skill_type", "") == type &&
          json::text_or(skill, "provider", "") == "builtin")
        return std::string(type);
  return {};
}

void register_worker(const call_ptr& c) {
  rest::fields in(c->body);
  in.required_text("name");
  const auto* skills = in.list("skills");
  if (in.any("skills") == nullptr)
    in.complain("skills", "required", "is required");
  for (std::size_t i = 0; skills != nullptr && i < skills->size(); ++i)
    if (json::text_or((*skills)[i], "skill_type", "").empty())
      in.complain("skills[" + std::to_string(i) + "].skill_type", "required", "is required");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  if (const auto taken = built_in_skill(c, skills); !taken.empty())
    return c->refuse({failure_kind::conflict,
                      "skill_taken",
                      "The skill '" + taken + "' is a part of the node.",
                      "Register it under another name.",
                      {}});
  c->engine().register_worker(std::move(c->body), then<worker_info>(c, [c](const worker_info& w) {
                                c->header("Location", "/api/v1/skill-providers/" + w.id);
                                c->json(201,
                                        json::object{{"id", json::string(w.id)},
                                                     {"name", json::string(w.name)},
                                                     {"token", json::string(w.token)},
                                                     {"heartbeat_seconds", w.heartbeat_seconds}});
                              }));
}

void unregister_worker(const call_ptr& c) {
  c->engine().unregister_worker(c->path("id"), then<done_at>(c, [c](const done_at& done) {
                                  c->at(done.at);
                                  c->send({204, {}, {}, {}});
                                }));
}

/// Answers with what the engine says; {} instead of null.
reply<json::value> plain_answer(const call_ptr& c) {
  return then<json::value>(c, [c](const json::value& v) {
    c->json(200, v.is_null() ? json::value(json::object{}) : v);
  });
}

void poll_tasks(const call_ptr& c) {
  rest::fields in(c->body);
  in.whole("max_tasks", 1, 1, 10'000);
  if (const auto* wait = in.any("wait_seconds"); wait != nullptr && !wait->is_number())
    in.complain("wait_seconds", "wrong_type", "must be a number");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  c->engine().poll_tasks(c->path("id"), std::move(c->body), plain_answer(c));
}

void task_message(const call_ptr& c) {
  const std::string verb = c->request.path.substr(c->request.path.rfind('/') + 1);
  rest::fields in(c->body);
  in.required_text("token");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  c->engine().task_message(c->path("id"), c->path("task"), verb, std::move(c->body),
                           plain_answer(c));
}

void task_results(const call_ptr& c) {
  rest::fields in(c->body);
  in.list("results");
  if (in.any("results") == nullptr)
    in.complain("results", "required", "is required");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  c->engine().task_results(c->path("id"), std::move(c->body), plain_answer(c));
}

} // namespace

std::vector<handler_row> worker_handlers() {
  return {{"list_workers", list_workers},           {"register_worker", register_worker},
          {"unregister_worker", unregister_worker}, {"poll_tasks", poll_tasks},
          {"task_message", task_message},           {"task_results", task_results}};
}

} // namespace troupe::gate
