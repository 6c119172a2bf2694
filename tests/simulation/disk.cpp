#include "tests/simulation/disk.hpp"

#include "persistence/store/refusals.hpp"
#include "runtime/base/encoding.hpp"
#include "runtime/base/hash.hpp"

#include <algorithm>

namespace troupe::test {

namespace {

using tables = std::array<std::map<std::string, std::string, std::less<>>, table_count>;

class frozen_rows final : public row_reader {
public:
  explicit frozen_rows(const tables& from) : tables_(from) {}
  result<std::optional<std::string>> get(table in, std::string_view key) const override {
    const auto& rows = tables_[static_cast<std::size_t>(in)];
    const auto at = rows.find(key);
    return at == rows.end() ? std::optional<std::string>{} : std::optional(at->second);
  }
  result<void> scan(table in, std::string_view from, std::string_view to, const row_visitor& each,
                    bool) const override {
    const auto& rows = tables_[static_cast<std::size_t>(in)];
    for (auto at = rows.lower_bound(from); at != rows.end() && (to.empty() || at->first < to); ++at)
      if (!each(at->first, at->second))
        break;
    return {};
  }

private:
  const tables tables_;
};

/// What a node keeps for itself: its log, and how far it is.
bool own(table in) noexcept {
  return in == table::log || in == table::log_meta || in == table::system;
}

std::uint16_t partition_in(std::string_view key) {
  std::uint16_t p = 0;
  key_reader reader(key);
  return reader.u16(p) ? p : std::uint16_t{0xffff};
}

std::uint64_t digest_of(table in, std::string_view key, std::string_view value) {
  return hash64(value, hash64(key, static_cast<std::uint64_t>(in)));
}

failure died() {
  return {failure_kind::internal, "dead", "the process died in this write", {}, {}};
}

} // namespace

result<std::optional<std::string>> sim_disk::get(table in, std::string_view key) const {
  const auto& from = tables_[static_cast<std::size_t>(in)];
  const auto at = from.find(key);
  return at == from.end() ? std::optional<std::string>{} : std::optional(at->second);
}

/// `each` may not write: nothing but the log does, and it is not called from here.
result<void> sim_disk::scan(table in, std::string_view from, std::string_view to,
                            const row_visitor& each, bool reverse) const {
  const auto& all = tables_[static_cast<std::size_t>(in)];
  const auto first = all.lower_bound(from), end = to.empty() ? all.end() : all.lower_bound(to);
  if (!reverse) {
    for (auto at = first; at != end && each(at->first, at->second); ++at) {
    }
    return {};
  }
  for (auto at = end; at != first;)
    if (--at; !each(at->first, at->second))
      break;
  return {};
}

void sim_disk::put(table in, const std::string& key, const std::optional<std::string>& value,
                   std::vector<former>* undo) {
  auto& all = tables_[static_cast<std::size_t>(in)];
  const auto at = all.find(key);
  auto& digest = digests_[partition_in(key)];
  if (undo)
    undo->push_back(
        {in, key, at == all.end() ? std::optional<std::string>{} : std::optional(at->second)});
  if (!own(in)) {
    if (at != all.end())
      digest ^= digest_of(in, key, at->second);
    if (value)
      digest ^= digest_of(in, key, *value);
  }
  if (value)
    all[key] = *value;
  else if (at != all.end())
    all.erase(at);
}

void sim_disk::change(const row_change& row, std::vector<former>& undo) {
  if (!row.range_end)
    return put(row.in, row.key, row.value, &undo);
  auto& all = tables_[static_cast<std::size_t>(row.in)];
  std::vector<std::string> keys;
  for (auto at = all.lower_bound(row.key); at != all.end() && at->first < *row.range_end; ++at)
    keys.push_back(at->first);
  for (const auto& key : keys)
    put(row.in, key, std::nullopt, &undo);
}

result<void> sim_disk::write_batch(std::vector<row_change> what, bool durable) {
  const bool last = dies_in_ > 0 && --dies_in_ == 0;
  dead = dead || (last && !behind_);
  if (dead)
    return died();
  if (full)
    return storage_full();
  auto& undo = undo_.emplace_back();
  for (const auto& row : what)
    change(row, undo);
  if (durable)
    undo_.clear();
  dead = last;
  if (wrote)
    wrote(what);
  return dead ? result<void>(died()) : result<void>{};
}

std::unique_ptr<row_reader> sim_disk::pin() const {
  return std::make_unique<frozen_rows>(tables_);
}

void sim_disk::revive() {
  dead = full = false;
  dies_in_ = 0;
}

void sim_disk::lose_unsynced(std::size_t kept) {
  for (; undo_.size() > kept; undo_.pop_back())
    for (auto at = undo_.back().rbegin(); at != undo_.back().rend(); ++at)
      put(at->in, at->key, at->value, nullptr);
  undo_.clear();
}

std::uint64_t sim_disk::digest(partition_id partition) const {
  const auto at = digests_.find(number(partition));
  return at == digests_.end() ? 0 : at->second;
}

std::string sim_disk::rows_of(partition_id partition) const {
  std::string out;
  const auto prefix = key_builder(partition).take();
  for (std::size_t i = 0; i < table_count; ++i) {
    if (own(static_cast<table>(i)))
      continue;
    for (auto at = tables_[i].lower_bound(prefix);
         at != tables_[i].end() && at->first.starts_with(prefix); ++at)
      out += std::string(name_of(static_cast<table>(i))) + " " + to_hex(at->first) + " = " +
             at->second + "\n";
  }
  return out;
}

} // namespace troupe::test
