#include "tests/consensus/log_cluster.hpp"

#include "persistence/consensus/raft_codec.hpp"
#include "runtime/base/encoding.hpp"

#include <algorithm>

namespace troupe::test {

using namespace raft;

namespace {

class frozen_rows final : public row_reader {
public:
  explicit frozen_rows(const crash_disk& from) : rows_(from) {}
  result<std::optional<std::string>> get(table in, std::string_view key) const override {
    return rows_.get(in, key);
  }
  result<void> scan(table in, std::string_view from, std::string_view to, const row_visitor& each,
                    bool reverse) const override {
    return rows_.scan(in, from, to, each, reverse);
  }

private:
  const crash_disk rows_;
};

std::string text_key(partition_id partition, const std::string& text) {
  return key_builder(partition).text(text).take();
}

} // namespace

result<std::optional<std::string>> crash_disk::get(table in, std::string_view key) const {
  const auto& rows = seen_[static_cast<std::size_t>(in)];
  const auto at = rows.find(key);
  return at == rows.end() ? std::optional<std::string>{} : std::optional(at->second);
}

result<void> crash_disk::scan(table in, std::string_view from, std::string_view to,
                              const row_visitor& each, bool) const {
  const auto& rows = seen_[static_cast<std::size_t>(in)];
  for (auto at = rows.lower_bound(from); at != rows.end() && (to.empty() || at->first < to); ++at)
    if (!each(at->first, at->second))
      break;
  return {};
}

void crash_disk::change(tables& to, const row_change& row) {
  auto& rows = to[static_cast<std::size_t>(row.in)];
  if (row.range_end)
    rows.erase(rows.lower_bound(row.key), rows.lower_bound(*row.range_end));
  else if (row.value)
    rows[row.key] = *row.value;
  else
    rows.erase(row.key);
}

result<void> crash_disk::write_batch(std::vector<row_change> rows, bool durable) {
  if (dies_after > 0 && --dies_after == 0)
    dead = true;
  if (dead)
    return failure{failure_kind::internal, "dead", "the process died in this write", {}, {}};
  if (full)
    return failure{failure_kind::storage_full, "storage_full", "full", {}, {}};
  for (const auto& row : rows) {
    change(seen_, row);
    transfers +=
        row.in == table::log_meta && row.value && row.key.find("staged") != std::string::npos;
  }
  unsynced_.push_back(std::move(rows));
  if (durable)
    crash(unsynced_.size());
  return {};
}

std::unique_ptr<row_reader> crash_disk::pin() const {
  return std::make_unique<frozen_rows>(*this);
}

void crash_disk::crash(std::size_t kept) {
  for (std::size_t i = 0; i < kept; ++i)
    for (const auto& row : unsynced_[i])
      change(durable_, row);
  unsynced_.clear();
  seen_ = durable_;
}

std::string crash_disk::state(std::uint16_t count) const {
  std::string out;
  for (std::size_t i = 0; i < table_count; ++i)
    if (const auto in = static_cast<table>(i); in != table::log && in != table::log_meta)
      for (const auto& [key, value] : seen_[i])
        out += std::to_string(i) + to_hex(key) + "=" + value + "\n";
  for (std::uint16_t p = 0; p <= count; ++p)
    if (const auto head = get(table::log_meta, log_head_key(partition_id{p})); head && *head)
      out += to_hex(**head) + "\n";
  return out;
}

log_cluster::log_cluster(std::uint64_t seed, std::size_t count, faults how)
    : random_(seed), how_(how) {
  wanted_ = how.grow ? 1 : count;
  membership first;
  for (std::size_t i = 0; i < wanted_; ++i)
    first.push_back({i + 1, member_role::voter});
  for (std::size_t i = 0; i < count; ++i) {
    auto& at = *nodes_.emplace_back(std::make_unique<node>());
    at.home = this;
    at.number = i + 1;
    std::vector<row_change> rows;
    for (std::uint16_t p = 0; i < wanted_ && p <= partitions; ++p)
      for (auto& row : first_rows(partition_id{p}, first, log_head{}))
        rows.push_back(std::move(row));
    if (!at.disk.write_batch(std::move(rows), true))
      broke("no first write");
    start(at);
  }
  want_all();
}

std::size_t log_cluster::transfers() const {
  std::size_t all = 0;
  for (const auto& one : nodes_)
    all += one->disk.transfers;
  return all;
}

void log_cluster::broke(const std::string& what) {
  if (broken_.empty())
    broken_ = what + " at " + std::to_string(now_) + " ms";
}

void log_cluster::node::send(node_number to, std::string bytes) {
  home->network_.push_back({number, to, std::move(bytes)});
}
void log_cluster::node::send_bulk(node_number to, std::string bytes) {
  home->network_.push_back({number, to, std::move(bytes)});
}

void log_cluster::node::led(partition_id partition, const leadership& now) {
  if (!now.here)
    return;
  const auto [at, fresh] = home->leaders_.try_emplace({partition, now.term}, number);
  if (!fresh && at->second != number)
    home->broke("two leaders in one term");
}

void log_cluster::node::applied(partition_id partition, std::uint64_t index,
                                const std::vector<std::string_view>& changed) {
  auto& last = told[troupe::number(partition)];
  if (index <= last)
    home->broke("an entry was told twice");
  for (const auto text : changed)
    if (!disk.get(table::events, text_key(partition, std::string(text)))->has_value())
      home->broke("rows of an applied entry cannot be read");
  last = index;
}

void log_cluster::start(node& at) {
  driver_options options;
  options.self = at.number;
  options.partitions = partitions;
  options.seed = static_cast<std::uint32_t>(random_.next());
  options.large = {100, 300};
  options.parts_bytes_max = 900;
  at.disk.dead = at.disk.full = false; // a node does not start on a full disk
  at.disk.dies_after = 0;
  at.driver = std::make_unique<raft_driver>(options, at.disk, at);
  at.driver->follow(&at);
  if (auto opened = at.driver->open(now_); !opened)
    return broke("node " + std::to_string(at.number) + " does not open: " + opened.error().message);
  for (std::uint16_t p = 0; p <= partitions; ++p)
    at.told[p] = at.driver->board(partition_id{p}).applied();
  want_all();
}

void log_cluster::crash(node& at) {
  at.driver.reset();
  at.disk.crash(random_.below(at.disk.unsynced() + 1));
}

void log_cluster::want_all() {
  std::vector<wanted_member> all;
  for (std::size_t i = 0; i < wanted_; ++i)
    all.push_back({i + 1, member_role::voter, true});
  for (auto& one : nodes_)
    if (one->driver)
      one->driver->want(all);
}

void log_cluster::run(node& at) {
  if (!at.driver)
    return;
  const auto done = at.driver->run(now_);
  if (at.disk.dead)
    return crash(at);
  if (!done && done.error().code != "storage_full")
    broke("node " + std::to_string(at.number) + ": " + done.error().message);
}

void log_cluster::deliver() {
  if (network_.empty())
    return;
  const auto i = percent(how_.reorder) ? random_.below(network_.size()) : 0;
  auto one = std::move(network_[i]);
  network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(i));
  trace_ = prng(trace_ ^ (one.from * 31 + one.to * 7 + one.bytes.size())).next();
  if (cut_.contains({one.from, one.to}) || percent(how_.lose))
    return;
  if (percent(how_.repeat))
    network_.push_back(one);
  auto& at = *nodes_[one.to - 1];
  if (!at.driver || at.disk.full)
    return;
  const auto done = at.driver->receive(now_, one.from, one.bytes);
  if (at.disk.dead)
    return crash(at);
  if (!done && done.error().code != "storage_full")
    broke("node " + std::to_string(at.number) + ": " + done.error().message);
  if (!percent(20)) // else it is worked off together with what comes next
    run(at);
}

void log_cluster::pass_time() {
  now_ += 5 + random_.below(30);
  for (auto& one : nodes_)
    if (one->driver && one->driver->deadline_ms() <= now_)
      run(*one);
}

void log_cluster::propose(node& at) {
  if (!at.driver || at.disk.full)
    return;
  const partition_id p{static_cast<std::uint16_t>(random_.below(partitions + 1))};
  const auto text = "t" + std::to_string(++next_);
  proposal what;
  what.partition = p;
  what.term = at.driver->board(p).leads().term;
  what.facts.push_back({table::events, text_key(p, text), text, {}});
  if (percent(30)) {
    large_[text] = 1 + random_.below(3'000);
    what.facts.push_back({table::blobs, text_key(p, text), std::string(large_[text], 'b'), {}});
  }
  what.derived.push_back({table::state, text_key(p, "last"), text, {}});
  if (percent(5))
    what.derived.push_back({table::outputs, text_key(p, "a"), std::nullopt, text_key(p, "z")});
  else
    what.derived.push_back(
        {table::outputs, text_key(p, "o" + text), std::string(random_.below(2'000), 'x'), {}});
  what.changed = text;
  at.driver->propose(std::move(what), [this, text, p](const result<std::uint64_t>& index) {
    if (index && !acknowledged_.emplace(text, p).second)
      broke("acknowledged twice");
  });
  run(at);
}

void log_cluster::step() {
  auto& at = any();
  if (permille(how_.crash)) {
    if (!at.driver)
      start(at);
    else if (percent(50))
      at.disk.dies_after = 1 + random_.below(5);
    else
      crash(at);
  }
  if (!at.driver && percent(10))
    start(at);
  if (permille(how_.cut)) {
    const auto a = 1 + random_.below(nodes_.size()), b = 1 + random_.below(nodes_.size());
    if (cut_.size() < 3 && a != b)
      cut_.insert({a, b});
    else
      cut_.clear();
  }
  if (permille(how_.full))
    at.disk.full = !at.disk.full;
  if (permille(how_.trim) && at.driver) {
    const partition_id p{static_cast<std::uint16_t>(random_.below(partitions + 1))};
    at.driver->trim(p, at.driver->board(p).applied());
  }
  if (wanted_ < nodes_.size() && percent(2)) {
    ++wanted_;
    want_all();
  }
  if (percent(40))
    propose(any());
  if (percent(30))
    pass_time();
  for (auto n = random_.below(8); n > 0; --n)
    deliver();
}

void log_cluster::heal() {
  how_ = {0, 0, 0, 0, 0, 0, 0, false};
  cut_.clear();
  wanted_ = nodes_.size();
  for (auto& one : nodes_) {
    one->disk.full = false;
    one->disk.dies_after = 0;
    if (!one->driver)
      start(*one);
  }
  want_all();
  const auto until = now_ + 120'000;
  const auto agreed = [&] {
    for (std::uint16_t p = 0; p <= partitions; ++p) {
      const auto& first = nodes_.front()->driver->partition(partition_id{p}).replica();
      if (first.members().size() != nodes_.size())
        return false;
      for (const auto& m : first.members())
        if (m.role != member_role::voter)
          return false;
    }
    for (auto& one : nodes_)
      if (one->disk.state(partitions) != nodes_.front()->disk.state(partitions))
        return false;
    return true;
  };
  for (int round = 0; now_ < until && broken_.empty(); ++round) {
    while (!network_.empty() && broken_.empty())
      deliver();
    pass_time();
    if (round % 50 == 49 && agreed())
      break;
  }
  if (!agreed())
    broke("the nodes do not agree after healing");
  for (const auto& [text, p] : acknowledged_)
    for (auto& one : nodes_)
      if (!one->disk.get(table::events, text_key(p, text))->has_value())
        broke("an acknowledged proposal is lost: " + text);
      else if (const auto size = large_.find(text); size != large_.end())
        if (const auto row = one->disk.get(table::blobs, text_key(p, text));
            (*row).value_or("").size() != size->second)
          broke("a large value is lost: " + text);
}

} // namespace troupe::test
