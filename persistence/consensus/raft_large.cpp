#include "persistence/consensus/raft_large.hpp"

#include <utility>

namespace troupe::raft {

namespace {

/// Takes rows with long values out of the facts of a proposal.
std::string take_large(proposal& from, const large_options& how) {
  std::string rows;
  std::erase_if(from.facts, [&](const row_change& row) {
    const bool large = row.value && row.value->size() > how.value_bytes;
    if (large)
      append_row(rows, row);
    return large;
  });
  return rows;
}

} // namespace

std::deque<outgoing_entry> entries_of(std::vector<std::pair<proposal, proposal_done>> what,
                                      const large_options& how) {
  std::deque<outgoing_entry> out;
  bool open = false; // the last may take more
  for (auto& [one, done] : what) {
    const auto large = size_of(one) > how.part_bytes ? take_large(one, how) : std::string{};
    for (std::size_t at = 0; at < large.size(); at += how.part_bytes)
      out.push_back({entry_kind::part, large.substr(at, how.part_bytes), {}});
    if (!open || !large.empty() || out.back().done.size() == entry_proposals_max ||
        out.back().bytes.size() + size_of(one) > entry_bytes_max)
      out.emplace_back();
    open = true;
    append_proposal(out.back().bytes, one);
    out.back().done.push_back(std::move(done));
  }
  return out;
}

std::vector<part_joiner::seen> part_joiner::add(log_index index, entry_ptr what,
                                                std::string& rows) {
  const bool part = what->kind == entry_kind::part;
  const bool same_term = parts_.empty() || parts_.back().what->term == what->term;
  const bool between = what->kind == entry_kind::members && !parts_.empty();
  std::vector<seen> out;
  if ((part || between) && same_term) {
    parts_.push_back({index, std::move(what)});
    return out;
  }
  if (what->kind == entry_kind::batch && same_term)
    for (const auto& one : parts_)
      if (one.what->kind == entry_kind::part)
        rows += one.what->bytes;
  out = std::exchange(parts_, {});
  if (part)
    parts_.push_back({index, std::move(what)});
  else
    out.push_back({index, std::move(what)});
  return out;
}

} // namespace troupe::raft
