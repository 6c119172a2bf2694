#include "actors/gateway/relay.hpp"

#include "persistence/store/refusals.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace troupe::gate {

namespace {

using clock = std::chrono::steady_clock;

constexpr unsigned redirects_max = 3, renewals_max = 3;
constexpr std::array<std::chrono::milliseconds, 3> pauses{
    std::chrono::milliseconds{50}, std::chrono::milliseconds{100}, std::chrono::milliseconds{200}};
/// An answer that took longer has not used up the time for finding a leader.
constexpr std::chrono::milliseconds quick{1'000};
/// Smaller ones cost less than counting them.
constexpr std::size_t small_errand_bytes_max = 4u << 10;

failure no_leader() {
  return {failure_kind::unavailable,
          "no_leader",
          "No majority of the cluster's nodes is reachable, so nobody can serve this.",
          "Nothing has happened. Try again; GET /api/v1/system/nodes tells who is connected.",
          {}};
}

failure lost_on_the_way() {
  return {failure_kind::unavailable,
          "leadership_lost",
          "The node that served this was lost; whether it happened is not known.",
          "Try again with the same Idempotency-Key.",
          {}};
}

failure stopping() {
  return {failure_kind::unavailable, "shutting_down", "The node is stopping.", "Try again.", {}};
}

/// 0: nobody.
std::uint64_t node_of(const std::string& hint) {
  std::uint64_t node = 0;
  const auto end = hint.data() + hint.size();
  const auto [at, ec] = std::from_chars(hint.data(), end, node);
  return ec == std::errc{} && at == end ? node : 0;
}

/// Nothing has happened yet.
bool refused_before(const failure& why) noexcept {
  return why.code == "not_leader" || why.code == "opening";
}

} // namespace

bool about_leadership(const failure& why) noexcept {
  return why.kind == failure_kind::unavailable &&
         (refused_before(why) || why.code == "leadership_lost");
}

void relay::go(const errand_ptr& e, const failure& why) {
  auto& at = *e->progress;
  if (at.until == clock::time_point{})
    at.until = clock::now() + how_.leader_wait;
  if (!refused_before(why))
    return uncertain(e);
  const auto leader = why.code == "not_leader" ? node_of(why.hint) : 0;
  if (leader == 0 || leader == self() || at.redirects >= redirects_max)
    return pause(e);
  send(e, leader);
}

void relay::send(const errand_ptr& e, std::uint64_t node) {
  ++asked_;
  const auto count = ++e->progress->redirects;
  auto bytes = e->bytes({static_cast<std::uint8_t>(count), told.control()});
  auto held = std::make_shared<byte_claim>(
      how_.budget, budget_kind::requests, bytes.size() > small_errand_bytes_max ? bytes.size() : 0);
  const auto asked = clock::now();
  auto back = [self = shared_from_this(), e, held, asked](result<std::string> got) {
    auto& at = *e->progress;
    if (const auto now = clock::now(); now - asked > quick && at.renewals < renewals_max) {
      ++at.renewals;
      at.until = now + self->how_.leader_wait;
    }
    // Reading and compressing an answer is no work for the network's thread.
    auto work = [self, e, got = std::move(got)]() mutable { self->on_answer(e, std::move(got)); };
    if (!self->work_.soon(std::move(work)))
      e->failed(stopping());
  };
  link_.ask(node, link_topic::http, std::move(bytes), e->patience, std::move(back));
}

void relay::on_answer(const errand_ptr& e, result<std::string> got) {
  if (!got) {
    const auto why = std::move(got).error();
    if (why.code == "node_unreachable")
      return uncertain(e);
    return refused(e, why);
  }
  auto answer = decode_answer(*got);
  if (!answer)
    return e->failed({failure_kind::upstream,
                      answer.error().code,
                      "The node that leads gave an answer that is not understood.",
                      answer.error().hint,
                      {}});
  if (auto* response = std::get_if<http::response>(&*answer))
    return e->answered(std::move(*response));
  refused(e, std::get<failure>(*answer));
}

void relay::refused(const errand_ptr& e, const failure& why) {
  if (about_leadership(why))
    return go(e, why);
  if (why.code == "shutting_down" && e->repeatable)
    return uncertain(e);
  e->failed(why);
}

void relay::uncertain(const errand_ptr& e) {
  e->progress->uncertain = true;
  if (e->repeatable)
    return pause(e);
  give_up(e);
}

void relay::give_up(const errand_ptr& e) {
  ++(e->progress->uncertain ? lost_ : unled_);
  e->failed(e->progress->uncertain ? lost_on_the_way() : no_leader());
}

std::string relay::metrics_text() const {
  const auto line = [](const char* name, const char* help, std::uint64_t value) {
    const std::string n = name;
    return "# HELP " + n + " " + help + "\n# TYPE " + n + " counter\n" + n + " " +
           std::to_string(value) + "\n";
  };
  return line("troupe_relayed_total", "Questions to other nodes for clients of this one.", asked_) +
         line("troupe_relayed_lost_total", "Requests whose outcome was lost with a node.", lost_) +
         line("troupe_relayed_unled_total", "Requests that found no leader in time.", unled_);
}

void relay::pause(const errand_ptr& e) {
  auto& at = *e->progress;
  const auto now = clock::now();
  if (now >= at.until)
    return give_up(e);
  at.redirects = 0;
  const auto wished = pauses[std::min<std::size_t>(at.pauses++, pauses.size() - 1)];
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at.until - now);
  if (!work_.after(std::min(wished, left), [e] { e->again(); }))
    e->failed(stopping());
}

void relay::when_shown(const std::vector<position>& what, std::function<void()> go_on) {
  auto missing = told.missing(what);
  if (missing.empty())
    return go_on();
  // Any small question waits for positions; control's catalogue is in order before its views are.
  document_filter nothing;
  nothing.collection = "-";
  nothing.limit = 1;
  auto ready = [self = shared_from_this(), missing, go_on](const result<view_page>& page) {
    if (page && !page->stale)
      self->told.shown(missing);
    // The views' thread has other things to do.
    if (!self->work_.soon(go_on))
      go_on();
  };
  engine_.query(std::move(nothing), std::move(missing), std::move(ready));
}

} // namespace troupe::gate
