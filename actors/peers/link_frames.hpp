// One question or answer between two nodes as messages of the network: cut into pieces, and put
// together again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

//   version u8 = 1 | kind u8 | topic u8 | id u64 | piece u32 | pieces u32 | bytes
struct link_frame {
  enum class kind_of : std::uint8_t { question = 1, answer = 2, refusal = 3 };
  kind_of kind = kind_of::question;
  std::uint8_t topic = 0;
  std::uint64_t id = 0; ///< chosen by who asks
  std::string bytes;
};

/// In the order in which they must be sent; at least one.
std::vector<std::string> cut(const link_frame& whole, std::size_t piece_bytes_max);

/// Puts together what one node after the other sends. Not thread-safe.
class frame_joiner {
public:
  frame_joiner(std::size_t message_bytes_max, std::size_t bytes_max)
      : message_bytes_max_(message_bytes_max), bytes_max_(bytes_max) {}

  /// The whole, with its last piece. What cannot be, and what would be too long, is dropped; when
  /// too much waits for its end, what began first is.
  std::optional<link_frame> add(std::uint64_t from, std::string_view message);
  void forget(std::uint64_t from);
  std::size_t bytes() const noexcept { return bytes_; }

private:
  using key = std::pair<std::uint64_t, std::pair<std::uint64_t, std::uint8_t>>; ///< node, id, kind
  struct unfinished {
    link_frame frame;
    std::uint32_t next = 0, pieces = 0;
    std::uint64_t began = 0;
  };
  void drop(std::map<key, unfinished>::iterator at);
  void make_room();

  const std::size_t message_bytes_max_, bytes_max_;
  std::map<key, unfinished> unfinished_;
  std::size_t bytes_ = 0;
  std::uint64_t began_ = 0;
};

} // namespace troupe
