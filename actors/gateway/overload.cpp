#include "actors/gateway/overload.hpp"

#include <algorithm>
#include <array>

namespace troupe::gate {

namespace {

constexpr std::array<std::string_view, 10> admitting_handlers{
    "execute_workflow", "execute_node",           "execute_node_type", "execute_block",
    "execute_skill",    "execute_skill_instance", "submit_job",        "signal_execution",
    "retry_execution",  "requeue_dead_letter"};

/// Smaller requests cost less than counting them; runs count a fixed size.
constexpr std::size_t uncounted_bytes_max = 4u << 10;
constexpr std::size_t bytes_a_value = 24;

} // namespace

std::vector<bool> admitting_routes(const rest::router& routes) {
  std::vector<bool> out;
  for (const auto& row : routes.table())
    out.push_back(std::find(admitting_handlers.begin(), admitting_handlers.end(), row.handler) !=
                  admitting_handlers.end());
  return out;
}

std::optional<failure> over_capacity(core& home, std::size_t route) {
  auto* budget = home.settings.budget;
  if (!budget || budget->admits() || !home.admitting[route])
    return std::nullopt;
  ++budget->work_refused;
  return failure{failure_kind::exhausted,
                 "over_capacity",
                 "The node's memory budget is used up: it takes no new work now.",
                 "Try again after Retry-After seconds, with the same Idempotency-Key.",
                 {}};
}

bool ends_work(const core& home, const http::request& head) {
  const auto match = home.routes.find(head.verb, head.path);
  if (match.what != rest::route_match::outcome::found)
    return false;
  const auto handler = home.routes.at(match.index).handler;
  return handler == "task_message" || handler == "task_results";
}

std::size_t parsed_bytes(std::string_view text) noexcept {
  std::size_t values = 1;
  for (const char c : text)
    values += (c == ',') | (c == ':') | (c == '[') | (c == '{');
  return text.size() + values * bytes_a_value;
}

void hold_parsed(call& c) {
  auto* budget = c.home->settings.budget;
  if (!budget || c.request.body.size() <= uncounted_bytes_max)
    return;
  // The values, the copy that a start keeps, and its text on the way into the store.
  c.held =
      std::make_shared<byte_claim>(budget, budget_kind::requests, 3 * parsed_bytes(c.request.body));
}

void hand_over(call& c, start_request& what) {
  what.bytes = c.request.body.size();
  what.held = std::move(c.held);
  c.body = json::object{};
  if (c.home->other_nodes && !c.bounce) // another node may have to be asked
    return;
  std::string().swap(c.request.body);
  c.request.body_claim.reset();
}

} // namespace troupe::gate
