#include "actors/limits/token_bank.hpp"

#include "actors/base/link_bytes.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t runs_a_push = 1'000;
constexpr milliseconds push_again_min{200}, push_again_max{2'000};

failure stale_tokens() {
  return {failure_kind::conflict, "tokens_stale", "another leadership goes on by now", {}, {}};
}

failure gap_of_tokens() {
  return {failure_kind::conflict, "tokens_gap", "a report before this one is missing", {}, {}};
}

} // namespace

void token_bank::note_granted() {
  for (const auto& run : table_.take_granted())
    if (const auto at = holders_.find(partition_of(run));
        at != holders_.end() && at->second.runs.contains(run))
      at->second.to_tell.insert(run);
}

/// What was held under an earlier report is held no more, unless the new one says so.
void token_bank::replace(holder& of, const std::vector<token_change>& with) {
  table_.pause(true);
  std::unordered_set<run_id, run_id_hash> held;
  for (const auto& each : with)
    if (each.what == token_change::kind::hold) {
      table_.reclaim(each.request);
      held.insert(each.request.run);
    }
  for (const auto& run : of.runs)
    if (!held.contains(run))
      table_.release(run);
  of.runs = std::move(held);
  of.to_tell.clear();
  of.push = 0;
  for (const auto& each : with)
    if (each.what == token_change::kind::want)
      apply(of, each);
  table_.pause(!giving());
}

void token_bank::apply(holder& of, const token_change& change) {
  const auto& run = change.request.run;
  if (change.what == token_change::kind::release) {
    if (of.runs.erase(run) > 0)
      table_.release(run);
    of.to_tell.erase(run);
  } else if (change.what == token_change::kind::hold) {
    of.runs.insert(run);
    table_.reclaim(change.request);
  } else if (of.runs.insert(run).second) {
    table_.acquire(change.request);
  }
}

result<std::vector<run_id>> token_bank::take(std::uint64_t node, const token_report& report) {
  if (number(report.partition) == 0 || number(report.partition) > how_.partitions)
    return link_malformed();
  auto& of = holders_[report.partition];
  if (report.bank != how_.term || report.term < of.term || report.term == 0)
    return stale_tokens();
  const bool repeated = report.term == of.term && report.number <= of.number;
  if (!repeated && report.whole) {
    of.term = report.term;
    of.node = node;
    of.base = report.number;
    of.tell_at = of.back_off = milliseconds(0);
    replace(of, report.changes);
  } else if (!repeated) {
    if (report.term != of.term || report.number != of.number + 1)
      return gap_of_tokens();
    for (const auto& each : report.changes)
      apply(of, each);
  }
  if (!repeated)
    of.number = report.number;
  note_granted();
  std::vector<run_id> hold;
  for (const auto& each : report.changes)
    if (each.what == token_change::kind::want && of.runs.contains(each.request.run) &&
        table_.holds(each.request.run)) {
      hold.push_back(each.request.run);
      // The answer tells; lost, it is asked for again. Who repeats may have been answered already,
      // and will not hear this one.
      if (!repeated)
        of.to_tell.erase(each.request.run);
    }
  return hold;
}

bool token_bank::all_reported(const leader_of& leader) const {
  for (std::uint16_t p = 1; p <= how_.partitions; ++p) {
    const auto at = holders_.find(partition_id{p});
    const auto term = leader(partition_id{p});
    if (!term || at == holders_.end() || at->second.term < *term)
      return false;
  }
  return true;
}

void token_bank::settle(milliseconds now, bool may_give, const leader_of& leader,
                        const stored_of& stored) {
  may_give_ = may_give;
  if (!complete_ && all_reported(leader))
    complete_ = true;
  if (!complete_ && now >= how_.lease_end) {
    for (std::uint16_t p = 1; p <= how_.partitions; ++p) {
      auto& of = holders_[partition_id{p}];
      if (of.term != 0)
        continue;
      for (const auto& each : stored(partition_id{p}))
        apply(of, {token_change::kind::hold, each});
    }
    complete_ = true;
  }
  table_.pause(!giving());
  note_granted();
}

std::vector<token_bank::push> token_bank::take_pushes(milliseconds now) {
  std::vector<push> out;
  if (!giving())
    return out;
  for (auto& [partition, of] : holders_) {
    if (of.push != 0 || of.to_tell.empty() || of.tell_at > now || of.node == 0)
      continue;
    of.push = ++next_push_;
    of.pushing.clear();
    for (const auto& run : of.to_tell)
      if (of.pushing.size() < runs_a_push)
        of.pushing.push_back(run);
    out.push_back(
        {of.node, of.push, token_grants{partition, of.term, how_.term, of.base, of.pushing}});
  }
  return out;
}

void token_bank::pushed(partition_id partition, std::uint64_t push_number,
                        const result<std::vector<run_id>>& unwanted, milliseconds now) {
  const auto at = holders_.find(partition);
  if (at == holders_.end() || at->second.push != push_number)
    return; // a new report says more
  auto& of = at->second;
  of.push = 0;
  if (!unwanted) {
    of.back_off = std::clamp(of.back_off * 2, push_again_min, push_again_max);
    of.tell_at = now + of.back_off;
    return;
  }
  of.back_off = milliseconds(0);
  for (const auto& run : of.pushing)
    of.to_tell.erase(run);
  for (const auto& run : *unwanted)
    if (of.runs.erase(run) > 0)
      table_.release(run);
  note_granted();
}

std::optional<milliseconds> token_bank::next_due() const {
  std::optional<milliseconds> next;
  const auto at = [&](milliseconds when) { next = std::min(next.value_or(when), when); };
  if (!complete_)
    at(how_.lease_end);
  for (const auto& [partition, of] : holders_)
    if (of.push == 0 && !of.to_tell.empty() && of.node != 0 && giving())
      at(of.tell_at);
  return next;
}

} // namespace troupe
