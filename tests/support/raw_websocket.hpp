// A WebSocket client that sends frames as told, right or wrong.
#pragma once

#include "tests/support/raw_socket.hpp"

#include <string>
#include <string_view>

namespace troupe::test {

struct raw_frame {
  int opcode = -1; ///< -1: the connection ended
  bool final = false;
  std::string payload;
  /// The code of a close frame, or 0.
  unsigned close_code() const {
    if (opcode != 8 || payload.size() < 2)
      return 0;
    return static_cast<unsigned>(static_cast<unsigned char>(payload[0])) * 256u +
           static_cast<unsigned char>(payload[1]);
  }
};

/// The bytes of one frame; masked with a fixed key unless told otherwise.
inline std::string frame_bytes(int opcode, std::string_view payload, bool final = true,
                               bool masked = true, int reserved = 0) {
  std::string out;
  out += static_cast<char>((final ? 0x80 : 0) | reserved | opcode);
  const int mask_bit = masked ? 0x80 : 0;
  const auto size = payload.size();
  if (size < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(size));
  } else {
    const int bytes = size < 65536 ? 2 : 8;
    out += static_cast<char>(mask_bit | (bytes == 2 ? 126 : 127));
    for (int i = bytes; i-- > 0;)
      out += static_cast<char>((size >> (8 * i)) & 0xff);
  }
  constexpr std::string_view key = "\x11\x22\x33\x44";
  if (masked)
    out += key;
  for (std::size_t i = 0; i < size; ++i)
    out += masked ? static_cast<char>(payload[i] ^ key[i % 4]) : payload[i];
  return out;
}

inline constexpr std::string_view upgrade_request =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

inline raw_frame read_frame(raw_socket& from) {
  const auto head = from.read_exactly(2);
  if (head.size() < 2)
    return {};
  raw_frame out{head[0] & 0x0f, (head[0] & 0x80) != 0, {}};
  std::size_t size = static_cast<unsigned char>(head[1]) & 0x7fu;
  if (size >= 126) {
    const auto longer = from.read_exactly(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : longer)
      size = size * 256 + static_cast<unsigned char>(c);
  }
  out.payload = from.read_exactly(size);
  return out;
}

} // namespace troupe::test
