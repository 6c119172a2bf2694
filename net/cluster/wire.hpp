// What two nodes say to each other, as bytes: frames of a 4-byte length, a kind and a payload;
// every number is little-endian. Pure: what comes from a peer is read with bounds and never
// trusted.
#pragma once

#include "net/cluster/peers.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cluster {

//   dialler                     accepter          both sides send a hello and a welcome at once;
//     hello  ------------------->                 a link is up when both have come
//            <------------------- hello
//     welcome ------------------>                 or `refuse` with words, and the end
//            <------------------- welcome
//     batch  ------------------->                 messages of all lanes
//            <------------------- acknowledge     bytes of batches consumed so far
//     heartbeat <-------------->  heartbeat       always, every heartbeat_interval
enum class frame_kind : std::uint8_t {
  hello = 1,
  welcome = 2,
  refuse = 3,
  batch = 4,
  acknowledge = 5,
  heartbeat = 6,
};

constexpr std::uint16_t wire_version = 1;
constexpr std::size_t frame_header_bytes = 5;
constexpr std::size_t message_header_bytes = 5;       ///< of one message in a batch
constexpr std::size_t greeting_bytes_max = 16u << 10; ///< of any frame before a link is up
constexpr std::size_t batch_bytes_goal = std::size_t{1} << 20;
constexpr std::size_t identity_text_max = 1024; ///< of each text of a hello
constexpr std::size_t refusal_text_max = 300;
constexpr std::size_t refusal_code_max = 40;

/// The longest batch that a peer may send: each of the three lanes may go over the goal once.
constexpr std::size_t batch_bytes_max(std::size_t message_bytes_max) noexcept {
  return batch_bytes_goal + 3 * (message_bytes_max + message_header_bytes);
}

struct frame_header {
  std::uint32_t size = 0; ///< of the payload
  frame_kind kind = frame_kind::heartbeat;
};

/// `bytes` are frame_header_bytes long. Nothing: not a kind that is known.
std::optional<frame_header> read_header(std::string_view bytes) noexcept;

struct hello {
  std::uint16_t version = wire_version;
  peer_identity who;
};

/// Nothing: damaged, or a text is too long. Further bytes are ignored: a later release may say
/// more.
std::optional<hello> read_hello(std::string_view payload);
std::optional<std::uint64_t> read_acknowledged(std::string_view payload) noexcept;
/// Foreign words, fit to be shown: printable ASCII, cut.
std::string read_words(std::string_view text);
refusal read_refusal(std::string_view payload);

/// Points into the payload it was read from.
struct message_view {
  lane in = lane::consensus;
  std::string_view bytes;
};

/// Every message of a batch, or nothing: damaged, or a message is longer than allowed.
std::optional<std::vector<message_view>> read_batch(std::string_view payload,
                                                    std::size_t message_bytes_max);

/// Bytes to send are collected in one of these.
using byte_buffer = std::vector<char>;

void write_hello(byte_buffer& to, const hello& what);
void write_refusal(byte_buffer& to, const refusal& why);
void write_acknowledged(byte_buffer& to, std::uint64_t bytes);
/// A frame without payload.
void write_plain(byte_buffer& to, frame_kind kind);
/// The header of a frame whose payload of `size` bytes follows.
void write_header(byte_buffer& to, frame_kind kind, std::size_t size);
/// One message of a batch.
void write_message(byte_buffer& to, lane in, std::string_view bytes);

} // namespace troupe::cluster
