// A node's disk: rows that outlive a power cut only if a durable write came after them.
#pragma once

#include "persistence/store/store.hpp"
#include "runtime/base/prng.hpp"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe::test {

class sim_disk final : public row_store {
public:
  result<std::optional<std::string>> get(table in, std::string_view key) const override;
  result<void> scan(table in, std::string_view from, std::string_view to, const row_visitor& each,
                    bool reverse = false) const override;
  result<void> write_batch(std::vector<row_change> rows, bool durable) override;
  std::unique_ptr<row_reader> pin() const override;
  bool refusing() const override { return full; }

  /// The process dies in the `nth` write from now, before it (it is torn: nothing of it is there)
  /// or behind it, when nobody has heard that it is durable.
  void die_in(std::size_t nth, bool behind) {
    dies_in_ = nth;
    behind_ = behind;
  }
  /// The process has ended; a next one may write again.
  void revive();
  /// A power cut: of the writes that are not durable yet the first `kept` are there.
  void lose_unsynced(std::size_t kept);
  std::size_t unsynced() const noexcept { return undo_.size(); }

  /// Changes with every row that replicas must have alike.
  std::uint64_t digest(partition_id partition) const;
  /// The rows behind the digest, as text.
  std::string rows_of(partition_id partition) const;

  bool full = false; ///< every write is refused
  bool dead = false; ///< the process died in a write
  /// Hears of every write once its rows can be read.
  std::function<void(const std::vector<row_change>&)> wrote;

private:
  using rows = std::map<std::string, std::string, std::less<>>;
  struct former {
    table in;
    std::string key;
    std::optional<std::string> value;
  };
  void put(table in, const std::string& key, const std::optional<std::string>& value,
           std::vector<former>* undo);
  void change(const row_change& row, std::vector<former>& undo);

  std::array<rows, table_count> tables_;
  std::deque<std::vector<former>> undo_; ///< one for each write that is not durable, oldest first
  std::map<std::uint16_t, std::uint64_t> digests_;
  std::size_t dies_in_ = 0; ///< 0: never
  bool behind_ = false;
};

} // namespace troupe::test
