// Calls that are sent on.
#include "actors/gateway/relayed_call.hpp"

#include "actors/gateway/executions.hpp"
#include "actors/gateway/life.hpp"
#include "actors/gateway/request_span.hpp"
#include "actors/gateway/start.hpp"
#include "net/rest/headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace troupe::gate {

namespace {

constexpr std::chrono::seconds patience_least{30}, patience_most{3'630};

/// Starts that answer with a stream when asked; it comes from this node, where the client is.
constexpr std::array<std::string_view, 4> streaming_starts{
    "execute_workflow", "execute_node", "execute_skill", "execute_skill_instance"};
/// Where an Idempotency-Key makes a repeat harmless.
constexpr std::array<std::string_view, 6> keyed_handlers{
    "execute_workflow",       "execute_node", "execute_skill",
    "execute_skill_instance", "submit_job",   "signal_execution"};

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& all, std::string_view handler) {
  return std::find(all.begin(), all.end(), handler) != all.end();
}

bool repeatable(const call& c) {
  const auto verb = c.request.verb;
  return verb == http::method::get || verb == http::method::head ||
         (!c.request.header("idempotency-key").empty() &&
          is_one_of(keyed_handlers, c.row().handler));
}

bool starts_stream(const call& c) {
  return is_one_of(streaming_starts, c.row().handler) &&
         rest::accepts(c.request, "text/event-stream");
}

bool follows_run(const call& c) {
  return c.row().handler == "stream_execution";
}

/// The client's, with the ids that its answer will carry.
header_list headers_for(call& c) {
  const bool stream = starts_stream(c) || follows_run(c);
  header_list out;
  for (const auto& [name, value] : c.request.headers)
    if (name != "x-request-id" && name != "traceparent" && name != counted_header &&
        !(stream && name == "accept"))
      out.emplace_back(name, value);
  if (c.rate_checked)
    out.emplace_back(counted_header, "1");
  if (c.own_span == 0)
    c.own_span = c.home->random.next() | 1;
  out.emplace_back("x-request-id", c.request_id);
  out.emplace_back("traceparent",
                   "00-" + c.trace_id + "-" + span_text(c.own_span) + "-" + c.trace_flags);
  return out;
}

std::string bytes_for(call& c, const relay_facts& facts) {
  const auto headers = headers_for(c);
  if (!follows_run(c))
    return encode_request(c.request, headers, facts);
  // To follow a run here, it is enough to know that it is there.
  auto asked = is_there(run_id_from_text(c.match.parameter("id")).value_or(run_id{}));
  asked.remote_address = c.request.remote_address;
  return encode_request(asked, headers, facts);
}

std::string_view header_of(const http::response& r, std::string_view name) {
  for (const auto& [key, value] : r.headers)
    if (key == name)
      return value;
  return {};
}

/// Positions that the answer tells the client. Gives those of control.
std::vector<position> note_positions(core& home, const http::response& r) {
  http::request reader;
  reader.headers = {{"troupe-position", std::string(header_of(r, "Troupe-Position"))}};
  std::vector<position> control;
  if (const auto given = rest::positions_of(reader))
    for (const auto& [partition, index] : *given) {
      const position at{partition_id{partition}, index};
      home.other_nodes->told.told(at);
      if (partition == 0)
        control.push_back(at);
    }
  return control;
}

void stream_started(const call_ptr& c, const http::response& started) {
  const auto body = json::parse(started.body);
  const auto run =
      run_id_from_text(body ? json::text_or(*body, "execution_id", "") : std::string_view{});
  if (!run)
    return c->answer_problem({failure_kind::upstream,
                              "relay_malformed",
                              "The node that leads gave no execution.",
                              {},
                              {}});
  for (const auto name : {"Location", "Troupe-Position", "Idempotency-Replayed"})
    if (const auto value = header_of(started, name); !value.empty())
      c->header(name, value);
  stream_run(c, *run, 0);
}

/// The client's own next request shall find here what it was told.
void finish(const call_ptr& c, http::response r) {
  auto control = note_positions(*c->home, r);
  const bool good = r.status < 300;
  if (good && starts_stream(*c))
    return stream_started(c, r);
  if (good && follows_run(*c)) {
    const auto since = since_of(c->request);
    return stream_run(c, *run_id_from_text(c->match.parameter("id")), since ? *since : 0);
  }
  auto go_on = [c, r = std::make_shared<http::response>(std::move(r))] { c->send(std::move(*r)); };
  c->home->other_nodes->when_shown(control, std::move(go_on));
}

std::shared_ptr<errand> errand_of(const call_ptr& c) {
  if (!c->progress)
    c->progress = std::make_shared<relay_progress>();
  auto out = std::make_shared<errand>();
  out->repeatable = repeatable(*c);
  out->patience = c->patience;
  out->progress = c->progress;
  out->bytes = [c](const relay_facts& facts) { return bytes_for(*c, facts); };
  out->again = [c] {
    c->forget_headers();
    dispatch(c);
  };
  out->answered = [c](http::response r) {
    c->forget_headers();
    finish(c, std::move(r));
  };
  out->failed = [c](const failure& why) { c->answer_problem(why); };
  return out;
}

double number_of(const json::object& body, std::string_view name) {
  const auto* v = body.if_contains(name);
  if (v == nullptr || !v->is_number())
    return 0;
  const auto seconds = v->to_number<double>();
  return std::isfinite(seconds) ? seconds : 0;
}

} // namespace

http::request is_there(const run_id& run) {
  http::request out;
  out.verb = http::method::get;
  out.verb_text = "GET";
  out.path = "/api/v1/executions/" + to_text(run) + "/events";
  out.query = {{"limit", "1"}};
  return out;
}

bool sent_elsewhere(const call_ptr& c, const failure& why) {
  if (c->bounce) {
    if (!about_leadership(why) && why.code != "shutting_down")
      return false;
    c->bounce(why);
    return true;
  }
  if (!c->home->other_nodes || !about_leadership(why))
    return false;
  c->home->other_nodes->go(errand_of(c), why);
  return true;
}

std::chrono::milliseconds patience_of(const json::object& body, std::string_view wait) {
  double seconds = std::max(number_of(body, "wait_seconds"), number_of(body, "timeout_seconds"));
  double asked = 0;
  if (const auto [at, ec] = std::from_chars(wait.data(), wait.data() + wait.size(), asked);
      ec == std::errc{} && std::isfinite(asked))
    seconds = std::max(seconds, asked);
  const auto most = std::chrono::duration<double>(patience_most - patience_least).count();
  const std::chrono::duration<double> longer(std::clamp(seconds, 0.0, most));
  return patience_least + std::chrono::ceil<std::chrono::milliseconds>(longer);
}

} // namespace troupe::gate
