#include "actors/limits/token_client.hpp"

#include <algorithm>
#include <set>

namespace troupe {

namespace {

constexpr milliseconds report_again_min{200}, report_again_max{2'000};
/// A start that has no answer by then is committed as queued: who asked for it need not wait.
constexpr milliseconds queued_after{1'000};

failure another_leadership() {
  return {failure_kind::conflict, "tokens_stale", "another leadership goes on by now", {}, {}};
}

} // namespace

token_client::channel* token_client::find(partition_id partition, std::uint64_t term) {
  const auto at = channels_.find(partition);
  return at == channels_.end() || at->second.term != term ? nullptr : &at->second;
}

void token_client::open(partition_id partition, std::uint64_t term,
                        const std::vector<token_request>& held,
                        const std::vector<token_request>& wanted, milliseconds now) {
  if (const auto at = channels_.find(partition); at != channels_.end() && at->second.term >= term)
    return;
  channel made;
  made.term = term;
  made.send_at = now;
  for (const auto& each : held)
    made.claims.insert_or_assign(each.run, claim{each, true, true});
  for (const auto& each : wanted) // committed as queued already
    made.claims.insert_or_assign(each.run, claim{each, false, true});
  channels_.insert_or_assign(partition, std::move(made));
}

void token_client::close(partition_id partition, std::uint64_t term) {
  if (find(partition, term))
    channels_.erase(partition);
}

void token_client::want(partition_id partition, std::uint64_t term, const token_request& what,
                        milliseconds now) {
  auto* of = find(partition, term);
  if (!of || !of->claims.emplace(what.run, claim{what, false, false}).second)
    return;
  of->changes.push_back({token_change::kind::want, what});
  asked_.push_back({now + queued_after, partition, what.run});
}

void token_client::release(partition_id partition, std::uint64_t term, const run_id& run) {
  auto* of = find(partition, term);
  if (!of || of->claims.erase(run) == 0)
    return;
  token_change gone;
  gone.what = token_change::kind::release;
  gone.request.run = run;
  of->changes.push_back(std::move(gone));
}

void token_client::bank_is(std::uint64_t node, std::uint64_t term) {
  bank_node_ = node;
  if (node == 0 || term == bank_term_)
    return;
  bank_term_ = term;
  for (auto& [partition, of] : channels_) {
    of.whole = true;
    of.out.reset();
    of.under_way = false;
    of.send_at = of.back_off = milliseconds(0);
  }
}

token_report token_client::next_report(partition_id partition, channel& of, std::uint64_t bank) {
  token_report out{partition, of.term, bank, ++of.number, of.whole, {}};
  if (!of.whole) {
    out.changes = std::exchange(of.changes, {});
    return out;
  }
  of.whole = false;
  of.changes.clear();
  of.base = out.number;
  for (const auto& [run, each] : of.claims)
    out.changes.push_back(
        {each.held ? token_change::kind::hold : token_change::kind::want, each.request});
  return out;
}

std::vector<token_report> token_client::take_reports(milliseconds now) {
  std::vector<token_report> out;
  if (bank_node_ == 0)
    return out;
  for (auto& [partition, of] : channels_) {
    if (of.under_way || of.send_at > now || (!of.out && !of.whole && of.changes.empty()))
      continue;
    if (!of.out)
      of.out = next_report(partition, of, bank_term_);
    of.under_way = true;
    out.push_back(*of.out);
  }
  return out;
}

void token_client::hold(channel& of, claim& each) {
  if (std::exchange(each.held, true))
    return;
  news_.push_back({each.request.run, of.term, !each.told, false});
  each.told = true;
}

void token_client::take_answer(channel& of, const std::vector<run_id>& granted) {
  const std::set<run_id> hold_now(granted.begin(), granted.end());
  for (const auto& change : of.out->changes) {
    const auto at = of.claims.find(change.request.run);
    if (change.what != token_change::kind::want || at == of.claims.end() || at->second.held)
      continue;
    if (hold_now.contains(change.request.run))
      hold(of, at->second);
    else if (!std::exchange(at->second.told, true))
      news_.push_back({at->first, of.term, true, true});
  }
  of.out.reset();
  of.back_off = milliseconds(0);
}

void token_client::reported(partition_id partition, std::uint64_t term, std::uint64_t bank,
                            std::uint64_t number, const result<std::vector<run_id>>& granted,
                            milliseconds now) {
  auto* of = find(partition, term);
  if (!of || bank != bank_term_ || !of->out || of->out->number != number)
    return;
  of->under_way = false;
  if (granted)
    return take_answer(*of, *granted);
  if (granted.error().code == "tokens_gap") {
    of->whole = true;
    of->out.reset();
  }
  of->back_off = std::clamp(of->back_off * 2, report_again_min, report_again_max);
  of->send_at = now + of->back_off;
}

result<std::vector<run_id>> token_client::grant(const token_grants& what) {
  auto* of = find(what.partition, what.term);
  if (!of || what.bank != bank_term_ || what.base != of->base || bank_node_ == 0)
    return another_leadership();
  std::vector<run_id> unwanted;
  for (const auto& run : what.runs) {
    const auto at = of->claims.find(run);
    if (at == of->claims.end())
      unwanted.push_back(run);
    else
      hold(*of, at->second);
  }
  return unwanted;
}

void token_client::settle(milliseconds now) {
  while (!asked_.empty() && asked_.front().until <= now) {
    const auto each = asked_.front();
    asked_.pop_front();
    const auto at = channels_.find(each.partition);
    if (at == channels_.end())
      continue;
    const auto found = at->second.claims.find(each.run);
    if (found == at->second.claims.end() || found->second.held ||
        std::exchange(found->second.told, true))
      continue;
    news_.push_back({each.run, at->second.term, true, true});
  }
}

std::optional<milliseconds> token_client::next_due() const {
  std::optional<milliseconds> next;
  const auto at = [&](milliseconds when) { next = std::min(next.value_or(when), when); };
  if (!asked_.empty())
    at(asked_.front().until);
  for (const auto& [partition, of] : channels_)
    if (bank_node_ != 0 && !of.under_way && (of.out || of.whole || !of.changes.empty()))
      at(of.send_at);
  return next;
}

std::size_t token_client::held() const {
  std::size_t count = 0;
  for (const auto& [partition, of] : channels_)
    count += static_cast<std::size_t>(
        std::ranges::count_if(of.claims, [](const auto& each) { return each.second.held; }));
  return count;
}

} // namespace troupe
