#include "actors/gateway/start.hpp"

#include "actors/gateway/admission.hpp"
#include "actors/gateway/overload.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "net/rest/headers.hpp"
#include "net/rest/problem.hpp"
#include "persistence/store/digest.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace troupe::gate {

namespace {

/// `?wait=SECONDS`, also fractions.
result<std::optional<std::chrono::milliseconds>> wait_of(const call& c) {
  using answer = std::optional<std::chrono::milliseconds>;
  if (!c.request.has_parameter("wait"))
    return answer{};
  const auto text = c.request.parameter("wait");
  double seconds = 0;
  const auto end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, seconds);
  if (ec != std::errc{} || at != end || !std::isfinite(seconds) || seconds < 0)
    return invalid("bad_parameter", "Parameter 'wait' must be a number of seconds from 0.");
  const auto most = static_cast<double>(c.home->settings.wait_max.count());
  return answer{
      std::chrono::milliseconds{static_cast<std::int64_t>(std::min(seconds * 1000, most))}};
}

bool key_is_good(std::string_view key) {
  return key.size() <= 255 &&
         std::all_of(key.begin(), key.end(), [](char ch) { return ch >= 0x20 && ch < 0x7f; });
}

void answer_started(const call_ptr& c, const started_run& run) {
  c->begins(run);
  const auto shown = run.finished ? c->engine().shown(run.id) : position{};
  c->at(shown.index > run.at.index ? shown : run.at);
  c->header("Location", "/api/v1/executions/" + to_text(run.id));
  if (run.repeated)
    c->header("Idempotency-Replayed", "true");
  if (rest::accepts(c->request, "text/event-stream"))
    return stream_run(c, run.id, 0);
  if (run.finished && run.execution)
    return c->json_text(200, with_execution_id(run.id, *run.execution));
  c->json(202, json::object{{"execution_id", json::string(to_text(run.id))},
                            {"status", json::string(run.status)},
                            {"message", "The execution was accepted."}});
}

} // namespace

std::string with_execution_id(const run_id& run, std::string_view json) {
  std::string out = R"({"execution_id":")";
  out += to_text(run);
  out += '"';
  if (json.size() < 2 || json.front() != '{')
    json = "{}";
  if (json.size() > 2)
    out += ',';
  out += json.substr(1);
  return out;
}

bool read_start_headers(const call_ptr& c, start_request& what) {
  auto wait = wait_of(*c);
  if (!wait) {
    c->refuse(wait.error());
    return false;
  }
  what.wait = *wait;
  what.trace_id = c->trace_id;
  what.idempotency_key = c->request.header("idempotency-key");
  if (!key_is_good(what.idempotency_key)) {
    c->refuse(
        invalid("bad_idempotency_key", "Idempotency-Key must be at most 255 visible characters."));
    return false;
  }
  if (!what.idempotency_key.empty())
    what.body_digest = to_hex(sha256(c->request.path + "\n" + c->request.body));
  return true;
}

bool check_input(const call_ptr& c, const workflow_entry& w, json::value input,
                 start_request& what) {
  if (!w.executable) {
    failure why = invalid("workflow_not_runnable", "The workflow is a draft with errors.",
                          "Repair the definition and save it without ?draft=true.");
    why.node_errors = w.errors;
    c->refuse(why);
    return false;
  }
  auto checked = apply_input_schema(w.executable->input_schema, input);
  if (!checked) {
    c->refuse(checked.error());
    return false;
  }
  what.workflow_id = w.id;
  what.input = share(std::move(*checked));
  return true;
}

void start_run(const call_ptr& c, start_request what) {
  const bool elsewhere = c->bounce && !c->request.header(counted_header).empty();
  const bool checked = std::exchange(c->rate_checked, true) || elsewhere;
  if (const auto wait = checked ? std::chrono::milliseconds{0} : take_start(*c->home, c->request);
      wait.count() > 0) {
    c->header("Retry-After", std::to_string((wait.count() + 999) / 1000));
    return c->send(rest::to_problem(
        {failure_kind::exhausted, "rate_limited", "Too many starts in a minute.", {}, {}},
        c->request_id));
  }
  hand_over(*c, what);
  c->engine().start(std::move(what),
                    then<started_run>(c, [c](const started_run& run) { answer_started(c, run); }));
}

} // namespace troupe::gate
