// What workers say about their tasks: heartbeats and results.
#include "actors/skills/worker_table.hpp"

namespace troupe {

namespace {

failure gone() {
  return {failure_kind::gone,
          "task_gone",
          "the task is no longer this worker's",
          "drop the task and poll for another one",
          {}};
}

shared_value logs_of(const json::value& body) {
  constexpr std::size_t lines_max = 100, bytes_max = 16u << 10;
  const auto* logs = json::find(body, "logs");
  if (!logs || !logs->is_array() || logs->get_array().empty())
    return nullptr;
  json::array kept;
  std::size_t bytes = 0;
  for (const auto& line : logs->get_array()) {
    bytes += json::written_size(line, bytes_max + 1);
    if (kept.size() >= lines_max || bytes > bytes_max)
      break;
    kept.push_back(line);
  }
  return share(std::move(kept));
}

std::vector<std::string> texts_of(const json::value& v, std::string_view key) {
  std::vector<std::string> out;
  if (const auto* list = json::find(v, key); list && list->is_array())
    for (const auto& each : list->get_array())
      if (each.is_string())
        out.emplace_back(each.get_string());
  return out;
}

bool has_error(const json::value& body) {
  const auto* error = json::find(body, "error");
  return error && !error->is_null();
}

attempt_outcome success_of(const json::value& body) {
  attempt_outcome out;
  out.succeeded = true;
  const auto* output = json::find(body, "output");
  if (output) {
    out.created_source_ids = texts_of(*output, "created_source_ids");
    out.created_note_ids = texts_of(*output, "created_note_ids");
  }
  out.ports.push_back({"main", value_ref(share(output ? *output : json::value(nullptr)))});
  out.logs = logs_of(body);
  if (const auto* usage = json::find(body, "usage"); usage && usage->is_object())
    out.usage = share(*usage);
  return out;
}

attempt_outcome failure_of(const json::value& body) {
  const auto* error = json::find(body, "error");
  const json::value none(nullptr);
  const json::value& why = error ? *error : none;
  const auto* retryable = json::find(why, "retryable");
  auto out = failed_attempt(std::string(json::text_or(why, "code", "worker_failed")),
                            why.is_string()
                                ? std::string(why.get_string())
                                : std::string(json::text_or(why, "message", "the worker failed")),
                            retryable && retryable->is_bool() && retryable->get_bool());
  if (const auto* data = json::find(why, "data"))
    out.error.data = value_ref(share(*data));
  if (const auto* after = json::find(why, "retry_after_seconds"); after && after->is_int64())
    out.retry_after = milliseconds(std::min<std::int64_t>(after->get_int64(), 86'400) * 1000);
  out.logs = logs_of(body);
  return out;
}

} // namespace

result<std::uint64_t> worker_table::holder(std::string_view id, std::string_view task_id,
                                           const json::value& body) const {
  const auto at = by_id_.find(task_id);
  if (at == by_id_.end())
    return gone();
  const auto& t = tasks_.at(at->second);
  if (!t.leased || t.worker != id || json::text_or(body, "token", "") != t.token)
    return gone();
  return at->second;
}

result<void> worker_table::end_with(std::uint64_t number, std::string_view verb,
                                    const json::value& body) {
  const auto who = workers_.find(tasks_.at(number).worker);
  if (verb == "fail") {
    finish(number, failure_of(body));
    return {};
  }
  const auto* output = json::find(body, "output");
  if (output &&
      json::written_size(*output, limits_.output_bytes_max + 1) > limits_.output_bytes_max) {
    finish(number, failed_attempt("output_too_large",
                                  "the output is larger than " +
                                      std::to_string(limits_.output_bytes_max) + " bytes",
                                  false));
    return failure{failure_kind::too_large,
                   "output_too_large",
                   "the output is too large",
                   "store it elsewhere and answer a reference",
                   {}};
  }
  if (who != workers_.end())
    ++who->second.done;
  finish(number, success_of(body));
  return {};
}

result<json::value> worker_table::message(std::string_view id, std::string_view task_id,
                                          std::string_view verb, const json::value& body,
                                          milliseconds now) {
  if (const auto who = workers_.find(id); who != workers_.end())
    who->second.seen = now;
  if (verb != "heartbeat" && verb != "complete" && verb != "fail")
    return failure{failure_kind::not_found, "verb_unknown", "no such task message", {}, {}};
  const auto number = holder(id, task_id, body);
  if (!number)
    return number.error();
  if (verb == "heartbeat") {
    auto& t = tasks_.at(*number);
    unschedule(*number);
    t.lease_until = now + limits_.heartbeat * limits_.missed_heartbeats;
    schedule(*number);
    if (const auto* progress = json::find(body, "progress"); progress && t.live)
      if (json::written_size(*progress, 65'537) <= 65'536)
        t.live("progress", std::make_shared<const std::string>(
                               json::write(json::object{{"node", t.what.at.node},
                                                        {"iteration", to_text(t.what.at.iteration)},
                                                        {"attempt", t.what.attempt},
                                                        {"progress", *progress}})));
    return json::value(json::object{{"status", "ok"}});
  }
  if (auto ended = end_with(*number, verb, body); !ended)
    return ended.error();
  return json::value(json::object{{"status", "ok"}});
}

result<json::value> worker_table::results(std::string_view id, const json::value& body,
                                          milliseconds now) {
  const auto* list = json::find(body, "results");
  if (!list || !list->is_array())
    return invalid("results_invalid", "results must be a list");
  if (const auto who = workers_.find(id); who != workers_.end())
    who->second.seen = now;
  json::array answers;
  for (const auto& each : list->get_array()) {
    const auto task_id = json::text_or(each, "task_id", "");
    json::object answer{{"task_id", task_id}, {"status", "ok"}};
    auto number = holder(id, task_id, each);
    result<void> ended;
    if (number)
      ended = end_with(*number, has_error(each) ? "fail" : "complete", each);
    if (!number || !ended) {
      const auto& why = number ? ended.error() : number.error();
      answer["status"] = why.kind == failure_kind::gone ? "gone" : "refused";
      answer["code"] = why.code;
      answer["message"] = why.message;
    }
    answers.push_back(std::move(answer));
  }
  return json::value(json::object{{"results", std::move(answers)}});
}

} // namespace troupe
