// The row of a turn: its header and the hash chain over its lines.
#include "runtime/engine/codec.hpp"

#include <algorithm>

namespace troupe {

namespace {

std::string_view as_text(const chain_hash& hash) noexcept {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

failure turn_failure(std::string code, std::string message) {
  return {failure_kind::malformed, std::move(code), std::move(message), {}, {}};
}

chain_hash read_hash(std::string_view bytes) {
  chain_hash hash;
  std::copy_n(bytes.begin(), hash.size(), hash.begin());
  return hash;
}

template <class Each> void for_lines(std::string_view text, Each each) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

} // namespace

chain_hash next_hash(const chain_hash& previous, std::string_view line, digest_fn digest) {
  return digest(as_text(previous), line);
}

turn_header seal(const chain_hash& previous, std::string_view events_text, digest_fn digest) {
  turn_header header{previous, previous, 0};
  for_lines(events_text, [&](std::string_view line) {
    header.last = next_hash(header.last, line, digest);
    ++header.count;
  });
  return header;
}

std::string encode_turn(const turn_header& header, std::string_view events_text) {
  std::string out;
  out.reserve(turn_header_bytes + events_text.size());
  out.push_back(static_cast<char>(turn_format));
  out.append(as_text(header.previous)).append(as_text(header.last));
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(header.count >> shift & 0xff));
  return out.append(events_text);
}

result<turn_row> decode_turn(std::string_view bytes) {
  if (bytes.empty())
    return turn_failure("turn_malformed", "a turn's row is empty");
  if (static_cast<std::uint8_t>(bytes[0]) != turn_format)
    return turn_failure("turn_format_unknown",
                        "a turn's row has format " +
                            std::to_string(static_cast<std::uint8_t>(bytes[0])) +
                            ", which this release does not know");
  if (bytes.size() < turn_header_bytes)
    return turn_failure("turn_malformed", "a turn's row is cut off in its header");
  turn_row row;
  row.header.previous = read_hash(bytes.substr(1));
  row.header.last = read_hash(bytes.substr(33));
  for (const char c : bytes.substr(65, 4))
    row.header.count = row.header.count << 8 | static_cast<std::uint8_t>(c);
  row.text = bytes.substr(turn_header_bytes);
  return row;
}

result<void> verify_turn(const turn_row& row, digest_fn digest) {
  const auto found = seal(row.header.previous, row.text, digest);
  if (found.count != row.header.count)
    return turn_failure("turn_corrupt", "a turn's row holds " + std::to_string(found.count) +
                                            " events, its header says " +
                                            std::to_string(row.header.count));
  if (found.last != row.header.last)
    return turn_failure("turn_corrupt", "the hash of a turn's events is not the recorded one");
  return {};
}

void each_line(const turn_row& row, digest_fn digest,
               const std::function<void(std::string_view line, const chain_hash& hash)>& each) {
  auto hash = row.header.previous;
  for_lines(row.text, [&](std::string_view line) {
    hash = next_hash(hash, line, digest);
    each(line, hash);
  });
}

} // namespace troupe
