// What limiters of different nodes say to each other about tokens, as bytes (link_topic::tokens).
#pragma once

#include "actors/limits/token_table.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// One change of what a partition wants or holds.
struct token_change {
  enum class kind : std::uint8_t { want = 1, hold = 2, release = 3 } what = kind::want;
  token_request request;
};

/// From the leader of a partition to the leader of control. Answered with those of the wanted runs
/// that hold a token now (encode_runs).
struct token_report {
  partition_id partition{};
  std::uint64_t term = 0;   ///< of the partition
  std::uint64_t bank = 0;   ///< term of control
  std::uint64_t number = 0; ///< in the order of its partition's reports, without gap
  bool whole = false;       ///< all that it wants and holds; otherwise what changed
  std::vector<token_change> changes;
};

/// Back: who waited and holds a token now. Answered with those that want it no more.
struct token_grants {
  partition_id partition{};
  std::uint64_t term = 0, bank = 0;
  std::uint64_t base = 0; ///< number of the whole report that it builds on
  std::vector<run_id> runs;
};

std::string encode_report(const token_report& what);
std::string encode_grants(const token_grants& what);
/// Fails with "link_malformed".
result<std::variant<token_report, token_grants>> decode_tokens(std::string_view bytes);

std::string encode_runs(const std::vector<run_id>& runs);
result<std::vector<run_id>> decode_runs(std::string_view bytes);

} // namespace troupe
