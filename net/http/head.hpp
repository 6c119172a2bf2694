// Reads the head of a request strictly: a message that two readers could take differently is
// refused (request smuggling). Pure.
#pragma once

#include "net/http/refusal.hpp"
#include "net/http/server.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::http::detail {

constexpr std::size_t header_count_max = 256;

/// Finds the end of a head in a buffer that grows. Refuses as early as it can: a bare LF, a first
/// byte that cannot begin a method, a request line or a head over its limit.
class head_scanner {
public:
  /// `bytes` begins at the head's first byte and only grows between calls. True once the head is
  /// complete; `size()` is its length then, the empty line included.
  bool scan(std::string_view bytes, const server_limits& limits);
  std::size_t size() const noexcept { return line_begin_; }
  const std::optional<refusal>& refused() const noexcept { return refused_; }
  void reset() noexcept { *this = {}; }

private:
  std::size_t line_begin_ = 0;
  std::size_t scanned_ = 0;
  bool first_line_ = true;
  std::optional<refusal> refused_;
};

/// What the head says about the message and the connection.
struct head_facts {
  bool version_1_0 = false;
  bool chunked = false;
  bool expects_continue = false;
  bool upgrades_to_websocket = false;
  bool accepts_gzip = false;
  std::uint64_t content_length = 0; ///< 0 when absent
};

/// Fills everything of `out` but body and remote_address from a complete head. Refuses what
/// RELIABILITY.md S7 names: Content-Length with Transfer-Encoding, either of them twice, folded
/// lines, control bytes, a space before the colon, codings other than chunked, no or two Hosts.
std::optional<refusal> read_head(std::string_view head, request& out, head_facts& facts);

} // namespace troupe::http::detail
