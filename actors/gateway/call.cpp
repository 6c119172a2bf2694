#include "actors/gateway/call.hpp"

#include "actors/gateway/relayed_call.hpp"
#include "actors/gateway/request_span.hpp"
#include "net/rest/headers.hpp"
#include "net/rest/problem.hpp"
#include "runtime/base/log.hpp"

#include <charconv>

namespace troupe::gate {

void call::complete(http::response& what) {
  for (auto& [name, value] : headers_)
    what.headers.emplace_back(std::move(name), std::move(value));
  headers_.clear();
  rest::set_default(what, "X-Request-ID", request_id);
  const auto span = run ? request_span(*run) : own_span != 0 ? own_span : home->random.next() | 1;
  rest::set_default(what, "traceparent",
                    "00-" + trace_id + "-" + span_text(span) + "-" + trace_flags);
  const auto took = std::chrono::steady_clock::now() - begun;
  if (home->settings.spans)
    trace_request(*this, span, what.status, took);
  home->counters.count(rest::to_text(row().verb), row().pattern, what.status, took);
  if (log::enabled(log::level::debug))
    log::write(log::level::debug, "api", "request answered",
               {{"request_id", std::string_view(request_id)},
                {"method", rest::to_text(row().verb)},
                {"path", std::string_view(request.path)},
                {"status", static_cast<std::int64_t>(what.status)},
                {"seconds", std::chrono::duration<double>(took).count()}});
}

void call::header(std::string_view name, std::string_view value) {
  headers_.emplace_back(name, value);
}

void call::send(http::response what) {
  complete(what);
  to->send(std::move(what));
}

void call::json_text(unsigned status, std::string text) {
  send({status, {{"Content-Type", "application/json"}}, std::move(text), {}});
}

void call::shared_json(unsigned status, std::shared_ptr<const std::string> text) {
  send({status, {{"Content-Type", "application/json"}}, {}, std::move(text)});
}

void call::refuse(const failure& why) {
  if (!sent_elsewhere(shared_from_this(), why))
    answer_problem(why);
}

void call::answer_problem(const failure& why) {
  auto out = rest::to_problem(why, request_id);
  if (out.status == 503 || out.status == 429)
    rest::set_default(out, "Retry-After", "1");
  send(std::move(out));
}

void call::page(const view_page& page) {
  json_text(200, rest::list_text(page.items, page.total_count, page.next_cursor, page.stale));
}

void call::page_of(const json::array& all) {
  const auto asked = rest::page_of(request);
  if (!asked)
    return refuse(asked.error());
  auto text = rest::page_text(all, *asked);
  if (!text)
    return refuse(text.error());
  json_text(200, std::move(*text));
}

void call::at(const position& where) {
  if (where.index == 0)
    return;
  header("Troupe-Position",
         std::to_string(number(where.partition)) + ":" + std::to_string(where.index));
  if (home->other_nodes)
    home->other_nodes->told.written_here(where);
}

std::shared_ptr<http::stream> call::begin_stream() {
  http::response head{
      200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}, {}, {}};
  complete(head);
  return to->begin_stream(std::move(head));
}

failure not_found(std::string code, std::string message) {
  return {failure_kind::not_found, std::move(code), std::move(message), {}, {}};
}

std::optional<run_id> run_of(const call_ptr& c, std::string_view name) {
  const auto run = run_id_from_text(c->match.parameter(name));
  if (!run)
    c->refuse(not_found("execution_not_found", "There is no such execution."));
  return run;
}

workflow_ptr workflow_of(const call_ptr& c, std::uint32_t version) {
  auto found = c->engine().workflow(c->match.parameter("id"), version);
  // It may be so new that only the leader of control knows it yet.
  if (!found && (c->bounce || !sent_to_control(c)))
    c->refuse(version == 0 ? not_found("workflow_not_found", "There is no such workflow.")
                           : not_found("version_not_found", "There is no such version."));
  return found;
}

std::optional<std::uint32_t> version_of(const call_ptr& c, std::string_view text) {
  std::uint32_t n = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec == std::errc{} && at == text.data() + text.size() && n > 0)
    return n;
  c->refuse(invalid("bad_version", "A version is a whole number from 1."));
  return std::nullopt;
}

std::optional<std::vector<position>> positions_of(const call_ptr& c) {
  const auto given = rest::positions_of(c->request);
  if (!given) {
    c->refuse(given.error());
    return std::nullopt;
  }
  std::vector<position> out;
  for (const auto& [partition, index] : *given)
    out.push_back({partition_id{partition}, index});
  return out;
}

void answer_query(const call_ptr& c, view_query what) {
  auto at_least = positions_of(c);
  if (at_least)
    c->engine().query(std::move(what), std::move(*at_least),
                      then<view_page>(c, [c](const view_page& page) { c->page(page); }));
}

} // namespace troupe::gate
