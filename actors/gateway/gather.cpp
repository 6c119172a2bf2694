#include "actors/gateway/gather.hpp"

#include "actors/gateway/relayed_call.hpp"

#include <mutex>

namespace troupe::gate {

namespace {

constexpr std::chrono::milliseconds answer_max{2'000};

struct gathering {
  std::mutex mutex; ///< guards what is below
  json::array items;
  std::size_t open = 1;
};

void add(gathering& to, std::uint64_t node, const json::array& items) {
  const std::lock_guard lock(to.mutex);
  for (const auto& each : items) {
    to.items.push_back(each);
    if (auto* item = to.items.back().if_object())
      (*item)["node"] = node;
  }
}

/// What another node answered; nothing where it is no list.
json::array items_in(const result<std::string>& got) {
  if (!got)
    return {};
  const auto answer = decode_answer(*got);
  const auto* response = answer ? std::get_if<http::response>(&*answer) : nullptr;
  if (response == nullptr || response->status != 200)
    return {};
  const auto body = json::parse(response->body);
  const auto* items = body ? json::find(*body, "items") : nullptr;
  return items != nullptr && items->is_array() ? items->get_array() : json::array{};
}

std::string question_of(call& c) {
  http::request asked;
  asked.verb = http::method::get;
  asked.verb_text = "GET";
  asked.path = c.request.path;
  asked.query = {{"limit", "500"}};
  asked.remote_address = c.request.remote_address;
  header_list headers{{"x-request-id", c.request_id}};
  if (const auto who = c.request.header("authorization"); !who.empty())
    headers.emplace_back("authorization", std::string(who));
  return encode_request(asked, headers, {});
}

} // namespace

void gather(const call_ptr& c, json::array own, std::function<void(json::array)> use) {
  if (!c->home->other_nodes || c->bounce)
    return use(std::move(own));
  auto& link = *c->home->settings.link;
  const auto nodes = link.others();
  const auto all = std::make_shared<gathering>();
  all->open += nodes.size();
  const auto done = [c, all, use = std::move(use)] {
    std::unique_lock lock(all->mutex);
    if (--all->open > 0)
      return;
    lock.unlock();
    use(std::move(all->items));
  };
  add(*all, link.self(), own);
  for (const auto node : nodes)
    link.ask(node, link_topic::http, question_of(*c), answer_max,
             [all, done, node](const result<std::string>& got) {
               add(*all, node, items_in(got));
               done();
             });
  done();
}

} // namespace troupe::gate
