// How proposals become entries of a partition's log: shared by every implementation of the log.
#pragma once

#include "persistence/store/digest.hpp"
#include "persistence/store/store.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// An entry takes proposals until one of these is reached; a larger proposal is an entry alone.
constexpr std::size_t entry_bytes_max = std::size_t{256} << 10;
constexpr std::size_t entry_proposals_max = 512;

/// Where a partition's log stands: the value of its row in `log_meta`.
struct log_head {
  std::uint64_t applied = 0; ///< index of the last entry
  audit_hash audit{};        ///< rolling hash: chain(audit before, facts of the entry)
  friend bool operator==(const log_head&, const log_head&) = default;
};
std::string encode(const log_head& head);
std::optional<log_head> log_head_from(std::string_view bytes);

/// Keys of the rows that the log itself writes.
std::string log_key(partition_id partition, std::uint64_t index);
std::string log_head_key(partition_id partition);

/// The bytes of a proposal's rows, as they count for limits and the memory budget.
std::size_t size_of(const proposal& what) noexcept;

/// The `changed` texts of an entry, in the order of its proposals, from a row of `log`. Empty
/// optional: the bytes are not of that form.
std::optional<std::vector<std::string_view>> changed_of(std::string_view log_row);

/// A row of `log` that holds a whole entry, as logs with peers keep them:
///
///   0x81, term (8 bytes), kind (1 byte: 1 is proposals), payload
///
/// A log without peers keeps the `changed` texts alone, and its rows never begin with 0x81.
struct logged_entry {
  static constexpr std::uint8_t proposals = 1;
  std::uint64_t term = 0;
  std::uint8_t kind = proposals;
  std::string_view payload;
};
std::string encode(const logged_entry& entry);
std::optional<logged_entry> logged_entry_from(std::string_view log_row);

/// One proposal in the payload of an entry of kind `proposals`. `facts` are the bytes that the
/// audit hash covers.
struct logged_proposal {
  std::string_view facts, derived, changed;
};
void append_proposal(std::string& payload, const proposal& what);
std::optional<std::vector<logged_proposal>> proposals_of(std::string_view payload);
/// Adds the row changes that are `facts` or `derived`. False: the bytes are not of that form.
bool append_rows(std::vector<row_change>& to, std::string_view rows);
/// Row changes as bytes, in the same form.
void append_row(std::string& to, const row_change& row);

/// Assembles the entries of one flush. Rows go to `put` in the order in which they must be written.
class entry_assembler {
public:
  using row_sink = std::function<void(table, std::string_view key, const row_change* change,
                                      std::string_view value)>;
  using head_source = std::function<log_head(partition_id)>;

  /// `head_of` is asked once for each partition.
  entry_assembler(head_source head_of, row_sink put);

  /// Adds the proposal to its partition's open entry; returns the index of that entry.
  std::uint64_t add(const proposal& what);

  /// Closes all entries: writes their `log` rows and the `log_meta` row of each partition. Returns
  /// the new heads.
  const std::map<partition_id, log_head>& finish();

private:
  struct open_entry {
    std::size_t proposals = 0;
    std::size_t bytes = 0;
    std::string facts;   ///< what the audit hash covers
    std::string changed; ///< the value of the `log` row
  };
  void close(partition_id partition, open_entry& entry);

  head_source head_of_;
  row_sink put_;
  std::map<partition_id, log_head> heads_;
  std::map<partition_id, open_entry> open_;
};

} // namespace troupe
