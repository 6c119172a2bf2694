// Handlers of the system: state, dead letters, settings, copies, faults.
#include "actors/gateway/executions.hpp"
#include "actors/gateway/gather.hpp"
#include "actors/gateway/listing.hpp"
#include "runtime/base/instant.hpp"
#include "runtime/base/log.hpp"
#include "runtime/engine/status.hpp"

#include <algorithm>
#include <array>

namespace troupe::gate {

namespace {

constexpr std::string_view settings_collection = "settings", retention_id = "retention";

void system_status(const call_ptr& c) {
  c->json(200, c->engine().status());
}

/// A list inside of GET /system/status.
void answer_part(const call_ptr& c, std::string_view name) {
  const auto status = c->engine().status();
  const auto* part = json::find(status, name);
  c->page_of(part == nullptr ? json::array{} : items_of(*part, name));
}

void system_services(const call_ptr& c) {
  answer_part(c, "services");
}
void system_queues(const call_ptr& c) {
  answer_part(c, "queues");
}

/// Each node raises its own, and an operator asks any of them.
void system_alerts(const call_ptr& c) {
  const auto status = c->engine().status();
  const auto* part = json::find(status, "alerts");
  gather(c, part == nullptr ? json::array{} : items_of(*part, "alerts"),
         [c](const json::array& all) { c->page_of(all); });
}

void service_health(const call_ptr& c) {
  const auto health = c->engine().service_health(c->match.parameter("name"));
  if (health.is_null())
    return c->refuse(not_found("service_not_found", "There is no such service."));
  c->json(json::text_or(health, "status", "healthy") == "unhealthy" ? 503 : 200, health);
}

void dead_letters(const call_ptr& c) {
  const auto page = rest::page_of(c->request);
  if (!page)
    return c->refuse(page.error());
  execution_filter what;
  what.quarantined = true;
  what.limit = page->limit;
  what.cursor = page->cursor;
  answer_query(c, std::move(what));
}

void requeue_dead_letter(const call_ptr& c) {
  if (const auto run = run_of(c))
    command_run(c, *run, commands::retry{"failed", {}, "user"},
                accepted(c, *run, 202, "The execution is tried again."));
}

void read_retention(const call_ptr& c) {
  const auto stored = c->engine().read_document(settings_collection, retention_id);
  c->json(200, stored ? stored->body : json::value(json::object{{"rules", json::array{}}}));
}

std::optional<failure> retention_fault(const json::object& body) {
  rest::fields in(body);
  const auto* rules = in.list("rules");
  if (in.any("rules") == nullptr)
    in.complain("rules", "required", "is required");
  if (rules != nullptr && rules->size() > 100)
    in.complain("rules", "out_of_range", "must have at most 100 entries");
  if (const auto fault = in.fault())
    return fault;
  for (std::size_t i = 0; i < rules->size(); ++i) {
    const auto place = "rules[" + std::to_string(i) + "].";
    const auto* rule = (*rules)[i].if_object();
    if (rule == nullptr)
      return invalid("wrong_type", "Field 'rules' must hold objects.");
    rest::fields entry(*rule, place);
    const auto word = entry.text("status");
    const auto status = run_status_from_text(word);
    if (!word.empty() && (!status || !terminal(*status)))
      entry.complain("status", "bad_value", "must be a final status of executions");
    entry.whole("max_age_seconds", 1, 1, INT64_MAX / 1'000'000);
    entry.whole("keep_newest", 1, 1, INT64_MAX);
    if (entry.any("max_age_seconds") == nullptr && entry.any("keep_newest") == nullptr)
      entry.complain("max_age_seconds", "required", "or keep_newest is required");
    if (const auto wrong = entry.fault())
      return wrong;
  }
  return std::nullopt;
}

/// A rule by itself means {rules: [it]}.
void write_retention(const call_ptr& c) {
  if (!c->body.contains("rules") && !c->body.empty())
    c->body = json::object{{"rules", json::array{json::value(std::move(c->body))}}};
  if (const auto fault = retention_fault(c->body))
    return c->refuse(*fault);
  document_write what{std::string(settings_collection), std::string(retention_id), std::nullopt,
                      json::value(c->body)};
  c->engine().write_document(std::move(what), then<done_at>(c, [c](const done_at& done) {
                               c->at(done.at);
                               c->json(200, c->body);
                             }));
}

void write_log_level(const call_ptr& c) {
  static constexpr std::array<std::string_view, 5> names{"debug", "info", "warning", "error",
                                                         "critical"};
  rest::fields in(c->body);
  auto level = in.required_text("level");
  std::transform(level.begin(), level.end(), level.begin(), [](char ch) {
    return ch >= 'A' && ch <= 'Z' ? static_cast<char>(ch | 0x20) : ch;
  });
  const auto found = std::find(names.begin(), names.end(), level);
  if (!level.empty() && found == names.end())
    in.complain("level", "bad_value", "must be debug, info, warning, error or critical");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  log::set_level(static_cast<log::level>(found - names.begin()));
  c->json(200, json::object{{"level", json::string(level)}});
}

/// Only a name: a path in a body would let a caller write anywhere.
bool snapshot_name_is_good(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char ch) {
           return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                  (ch >= '0' && ch <= '9') || ch == '-' || ch == '_' || ch == '.';
         });
}

void take_snapshot(const call_ptr& c) {
  if (c->home->settings.snapshot_directory.empty())
    return c->refuse({failure_kind::conflict,
                      "snapshots_off",
                      "No directory for snapshots is configured.",
                      "Set --snapshot-dir.",
                      {}});
  rest::fields in(c->body);
  std::string otherwise = "snapshot-" + std::to_string(to_millis(c->engine().now()));
  const auto name = in.text("name", otherwise);
  if (!snapshot_name_is_good(name))
    in.complain("name", "bad_value", "must be letters, digits, '-', '_' and '.'");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  c->engine().snapshot(c->home->settings.snapshot_directory + "/" + name,
                       then<json::value>(c, [c, name](const json::value& v) {
                         json::object out;
                         if (const auto* more = v.if_object())
                           out = *more;
                         out.erase("directory");
                         out["name"] = json::string(name);
                         c->json(200, out);
                       }));
}

void answer_test_switch(const call_ptr& c, const result<json::value>& done) {
  if (!done)
    return c->refuse(done.error());
  c->json(200, done->is_null() ? json::value(json::object{}) : *done);
}

void inject_fault(const call_ptr& c) {
  answer_test_switch(c, c->engine().fault(c->body));
}
void move_clock(const call_ptr& c) {
  answer_test_switch(c, c->engine().move_clock(c->body));
}

} // namespace

std::vector<handler_row> system_handlers() {
  return {{"system_status", system_status},
          {"system_services", system_services},
          {"system_queues", system_queues},
          {"system_alerts", system_alerts},
          {"service_health", service_health},
          {"dead_letters", dead_letters},
          {"requeue_dead_letter", requeue_dead_letter},
          {"read_retention", read_retention},
          {"write_retention", write_retention},
          {"write_log_level", write_log_level},
          {"take_snapshot", take_snapshot},
          {"inject_fault", inject_fault},
          {"move_clock", move_clock}};
}

} // namespace troupe::gate
