// What happens around an attempt: condition, retries, timeouts, failures.
#include "runtime/base/instant.hpp"
#include "runtime/workflow/compile.hpp"
#include "runtime/workflow/draft.hpp"
#include "runtime/workflow/shape.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace troupe::drafting {

namespace {

constexpr double attempts_max = 1'000;
constexpr double wait_seconds_max = 86'400;

milliseconds from_seconds(double seconds) {
  return milliseconds(static_cast<std::int64_t>(std::llround(seconds * 1'000)));
}

struct error_word {
  std::string_view text;
  on_error meaning;
};
constexpr std::array<error_word, 10> error_words{{
    {"stop", on_error::stop},
    {"stopWorkflow", on_error::stop},
    {"STOP_WORKFLOW_ON_ERROR", on_error::stop},
    {"continue", on_error::continue_},
    {"continueRegularOutput", on_error::continue_},
    {"CONTINUE_REGULAR_OUTPUT_ON_ERROR", on_error::continue_},
    {"error_output", on_error::error_output},
    {"continueErrorOutput", on_error::error_output},
    {"CONTINUE_ERROR_OUTPUT_ON_ERROR", on_error::error_output},
    {"fallback", on_error::fallback},
}};

class policy_maker {
public:
  policy_maker(const draft_node& n, const draft& d, const compile_context& context, plan_node& to,
               faults& found)
      : n_(n), s_(*n.source), d_(d), context_(context), to_(to), found_(found) {}

  void run() {
    make_condition();
    make_retry();
    make_timeout();
    make_fallback();
    make_on_error();
    make_interrupted();
    to_.disabled = flag("disabled");
    to_.streaming = flag("streaming");
    if (to_.streaming && to_.kind == node_kind::loop)
      found_.error(n_.id, "streaming", "streaming_loop", "a loop cannot be streaming");
    if (const json::value* v = member(s_, "dry_output"))
      to_.dry_output = share(*v);
    else if (to_.skill_type == "http_request")
      to_.dry_output = share(json::object{
          {"status", 200}, {"headers", json::object()}, {"body", nullptr}, {"dry_run", true}});
  }

private:
  bool flag(std::string_view key) const {
    const json::value* v = s_.if_contains(key);
    return v != nullptr && v->is_bool() && v->get_bool();
  }

  void make_condition() {
    const std::string text = text_at(s_, "condition");
    if (text.find_first_not_of(" \t\r\n") == std::string::npos)
      return;
    auto made = expr::parse(text);
    if (made)
      to_.condition = std::move(*made);
    else
      found_.error(n_.id, "condition", made.error().code, made.error().message);
  }

  /// A number within bounds, or nothing; everything else is reported.
  std::optional<double> number(const json::object& in, std::string_view key,
                               const std::string& prefix, double low, double high) {
    const json::value* v = member(in, key);
    if (v == nullptr)
      return std::nullopt;
    const auto value = number_of(*v);
    if (!value)
      found_.error(n_.id, prefix + std::string(key), "wrong_type",
                   std::string(key) + " must be a number");
    else if (!(*value >= low && *value <= high))
      found_.error(n_.id, prefix + std::string(key), "bad_retry_policy",
                   std::string(key) + " must be from " + std::to_string(std::llround(low)) +
                       " to " + std::to_string(std::llround(high)));
    else
      return value;
    return std::nullopt;
  }

  void make_retry() {
    to_.retry = context_.default_retry;
    to_.retry.max_attempts = std::max(to_.retry.max_attempts, 1U);
    const auto again = number(s_, "retry_on_fail", "", 0, attempts_max - 1);
    const auto delay = number(s_, "retry_delay_seconds", "", 0, wait_seconds_max);
    if (again.value_or(0) > 0) {
      to_.retry.max_attempts = static_cast<std::uint32_t>(*again) + 1;
      to_.retry.strategy = retry_strategy::fixed;
      to_.retry.wait_min = to_.retry.wait_max = from_seconds(delay.value_or(5));
    }
    if (const json::value* policy = member(s_, "retry_policy"))
      read_policy(policy->as_object());
  }

  void read_policy(const json::object& policy) {
    const std::string prefix = "retry_policy.";
    auto attempts = number(policy, "max_attempts", prefix, 1, attempts_max);
    if (!attempts)
      attempts = number(policy, "max_tries", prefix, 1, attempts_max);
    to_.retry.max_attempts = static_cast<std::uint32_t>(attempts.value_or(3));
    if (attempts && *attempts != std::floor(*attempts))
      found_.error(n_.id, prefix + "max_attempts", "bad_retry_policy",
                   "max_attempts must be a whole number");
    read_strategy(policy, prefix);
    const auto between = number(policy, "wait_between_tries", prefix, 0, wait_seconds_max);
    if (between)
      to_.retry.wait_min = to_.retry.wait_max = from_seconds(*between);
    const auto low = number(policy, "wait_min_seconds", prefix, 0, wait_seconds_max);
    const auto high = number(policy, "wait_max_seconds", prefix, 0, wait_seconds_max);
    if (low)
      to_.retry.wait_min = from_seconds(*low);
    if (high)
      to_.retry.wait_max = from_seconds(*high);
    if (low && high && *low > *high)
      found_.error(n_.id, prefix + "wait_min_seconds", "bad_retry_policy",
                   "wait_min_seconds must not be above wait_max_seconds");
    if (low && !high)
      to_.retry.wait_max = std::max(to_.retry.wait_max, to_.retry.wait_min);
    if (high && !low)
      to_.retry.wait_min = std::min(to_.retry.wait_min, to_.retry.wait_max);
  }

  void read_strategy(const json::object& policy, const std::string& prefix) {
    const json::value* strategy = member(policy, "strategy");
    if (strategy == nullptr) {
      if (member(policy, "wait_between_tries") != nullptr)
        to_.retry.strategy = retry_strategy::fixed;
      return;
    }
    const auto known = strategy->is_string()
                           ? retry_strategy_from_text(std::string_view(strategy->get_string()))
                           : std::nullopt;
    if (known)
      to_.retry.strategy = *known;
    else
      found_.error(n_.id, prefix + "strategy", "bad_retry_policy",
                   "strategy must be fixed, exponential, exponential_jitter or random");
  }

  void make_timeout() {
    const json::value* v = member(s_, "timeout_seconds");
    if (v == nullptr)
      return;
    const double seconds = number_of(*v).value_or(0);
    const double most = static_cast<double>(context_.limits.timeout_max.count()) / 1'000;
    if (!(seconds >= 0.001 && seconds <= most))
      found_.error(n_.id, "timeout_seconds", "out_of_range",
                   "timeout_seconds must be above 0 and at most " +
                       std::to_string(std::llround(most)));
    else
      to_.timeout = from_seconds(seconds);
  }

  void make_fallback() {
    const json::value* given = member(s_, "fallback");
    if (given == nullptr)
      return;
    const json::object& fallback = given->as_object();
    if (fallback.contains("value")) {
      auto made = expr::compile(fallback.at("value"));
      if (made)
        to_.fallback.value = std::move(*made);
      else
        found_.error(n_.id, "fallback.value", made.error().code, made.error().message);
    }
    if (const json::value* node = member(fallback, "node"))
      read_fallback_node(*node);
    if (!fallback.contains("value") && member(fallback, "node") == nullptr)
      found_.error(n_.id, "fallback", "bad_fallback", "fallback needs a value or a node");
  }

  void read_fallback_node(const json::value& given) {
    const std::string id =
        given.is_string() ? std::string(std::string_view(given.get_string())) : std::string();
    const node_index i = d_.find(id);
    if (i == no_index)
      found_.error(n_.id, "fallback.node", "bad_fallback", "there is no node \"" + id + "\"");
    else if (&d_.nodes[i] == &n_)
      found_.error(n_.id, "fallback.node", "bad_fallback", n_.id + " cannot be its own fallback");
    else if (d_.nodes[i].spec != nullptr && d_.nodes[i].spec->kind != node_kind::skill)
      found_.error(n_.id, "fallback.node", "bad_fallback",
                   "\"" + id + "\" makes no attempts; a fallback must be a skill");
    else
      to_.fallback.node = i;
  }

  void make_on_error() {
    const bool has_fallback = to_.fallback.value || to_.fallback.node != no_index;
    const bool has_error_edge = std::any_of(n_.out.begin(), n_.out.end(), [this](std::uint32_t i) {
      return d_.edges[i].made.source_port == "error" && d_.edges[i].made.kind == edge_kind::data;
    });
    const std::string word = text_at(s_, "on_error");
    if (!word.empty())
      return read_on_error(word, has_fallback);
    if (has_fallback)
      to_.error_policy = on_error::fallback;
    else if (flag("continue_on_fail"))
      to_.error_policy = on_error::continue_;
    else if (has_error_edge)
      to_.error_policy = on_error::error_output;
  }

  void read_on_error(const std::string& word, bool has_fallback) {
    const auto at = std::find_if(error_words.begin(), error_words.end(),
                                 [&word](const error_word& w) { return w.text == word; });
    if (at == error_words.end())
      return found_.error(n_.id, "on_error", "bad_value",
                          "on_error must be stop, continue, error_output or fallback");
    to_.error_policy = at->meaning;
    if (at->meaning == on_error::fallback && !has_fallback)
      found_.error(n_.id, "fallback", "bad_fallback",
                   "on_error fallback needs a fallback {value} or {node}");
  }

  void make_interrupted() {
    const std::string word = text_at(s_, "when_interrupted");
    if (word == "fail")
      to_.interrupted = when_interrupted::fail;
    else if (word == "ask")
      to_.interrupted = when_interrupted::ask;
    else if (!word.empty() && word != "retry")
      found_.error(n_.id, "when_interrupted", "bad_value",
                   "when_interrupted must be retry, fail or ask");
  }

  const draft_node& n_;
  const json::object& s_;
  const draft& d_;
  const compile_context& context_;
  plan_node& to_;
  faults& found_;
};

} // namespace

void make_policies(const draft_node& n, const draft& d, const compile_context& context,
                   plan_node& to, faults& found) {
  policy_maker(n, d, context, to, found).run();
}

} // namespace troupe::drafting
