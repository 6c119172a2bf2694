#include "net/cluster/wire.hpp"

#include <algorithm>
#include <concepts>
#include <limits>

namespace troupe::cluster {

namespace {

template <std::unsigned_integral T> void append_number(byte_buffer& to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    to.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

void append_text(byte_buffer& to, std::string_view text) {
  text = text.substr(0, identity_text_max);
  append_number(to, static_cast<std::uint16_t>(text.size()));
  to.insert(to.end(), text.begin(), text.end());
}

/// Takes fields off the front of foreign bytes; once one does not fit, none does.
class field_reader {
public:
  explicit field_reader(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T> T number() noexcept {
    const auto bytes = take(sizeof(T));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return static_cast<T>(value);
  }

  std::string_view take(std::size_t count) noexcept {
    if (count > rest_.size())
      ok_ = false;
    if (!ok_)
      return {};
    const auto out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }

  std::string text() {
    const std::size_t size = number<std::uint16_t>();
    if (size > identity_text_max)
      ok_ = false;
    return std::string{take(size)};
  }

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return rest_.empty(); }

private:
  std::string_view rest_;
  bool ok_ = true;
};

constexpr std::string_view magic = "TRPE";

} // namespace

std::optional<frame_header> read_header(std::string_view bytes) noexcept {
  field_reader in(bytes);
  const auto size = in.number<std::uint32_t>();
  const auto kind = in.number<std::uint8_t>();
  if (!in.ok() || kind < 1 || kind > static_cast<std::uint8_t>(frame_kind::heartbeat))
    return std::nullopt;
  return frame_header{size, static_cast<frame_kind>(kind)};
}

std::optional<hello> read_hello(std::string_view payload) {
  field_reader in(payload);
  if (in.take(magic.size()) != magic)
    return std::nullopt;
  hello out;
  out.version = in.number<std::uint16_t>();
  out.who.node = in.number<std::uint64_t>();
  out.who.release = in.number<std::uint32_t>();
  out.who.feature_level = in.number<std::uint32_t>();
  for (auto* text :
       {&out.who.cluster_id, &out.who.incarnation, &out.who.version, &out.who.http_url})
    *text = in.text();
  if (in.ok() && !in.at_end()) { // of a release that says more
    out.who.recovery = in.number<std::uint32_t>();
    out.who.store = in.text();
    out.who.lives = in.text();
  }
  if (!in.ok())
    return std::nullopt;
  return out;
}

std::optional<std::uint64_t> read_acknowledged(std::string_view payload) noexcept {
  field_reader in(payload);
  const auto bytes = in.number<std::uint64_t>();
  if (!in.ok() || !in.at_end())
    return std::nullopt;
  return bytes;
}

std::string read_words(std::string_view text) {
  std::string words{text.substr(0, refusal_text_max)};
  std::replace_if(
      words.begin(), words.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return words;
}

/// Words, and a code behind them in a line of its own; a former release shows both as one.
refusal read_refusal(std::string_view payload) {
  const auto line = payload.find('\n');
  refusal out{{}, read_words(payload.substr(0, line))};
  if (line != std::string_view::npos)
    out.code = read_words(payload.substr(line + 1, refusal_code_max));
  return out;
}

std::optional<std::vector<message_view>> read_batch(std::string_view payload,
                                                    std::size_t message_bytes_max) {
  std::vector<message_view> out;
  field_reader in(payload);
  while (!in.at_end()) {
    const auto number = in.number<std::uint8_t>();
    const std::size_t size = in.number<std::uint32_t>();
    if (number < 1 || number > static_cast<std::uint8_t>(lane::bulk) || size > message_bytes_max)
      return std::nullopt;
    const auto bytes = in.take(size);
    if (!in.ok())
      return std::nullopt;
    out.push_back({static_cast<lane>(number), bytes});
  }
  return out;
}

void write_header(byte_buffer& to, frame_kind kind, std::size_t size) {
  check(size <= std::numeric_limits<std::uint32_t>::max(), "a frame is too long");
  append_number(to, static_cast<std::uint32_t>(size));
  append_number(to, static_cast<std::uint8_t>(kind));
}

void write_plain(byte_buffer& to, frame_kind kind) {
  write_header(to, kind, 0);
}

void write_hello(byte_buffer& to, const hello& what) {
  byte_buffer payload(magic.begin(), magic.end());
  append_number(payload, what.version);
  append_number(payload, std::uint64_t{what.who.node});
  append_number(payload, what.who.release);
  append_number(payload, what.who.feature_level);
  for (const auto* text :
       {&what.who.cluster_id, &what.who.incarnation, &what.who.version, &what.who.http_url})
    append_text(payload, *text);
  append_number(payload, what.who.recovery);
  append_text(payload, what.who.store);
  append_text(payload, what.who.lives);
  write_header(to, frame_kind::hello, payload.size());
  to.insert(to.end(), payload.begin(), payload.end());
}

void write_refusal(byte_buffer& to, const refusal& why) {
  auto text = why.words.substr(0, refusal_text_max);
  if (!why.code.empty())
    text += "\n" + why.code.substr(0, refusal_code_max);
  write_header(to, frame_kind::refuse, text.size());
  to.insert(to.end(), text.begin(), text.end());
}

void write_acknowledged(byte_buffer& to, std::uint64_t bytes) {
  write_header(to, frame_kind::acknowledge, sizeof bytes);
  append_number(to, bytes);
}

void write_message(byte_buffer& to, lane in, std::string_view bytes) {
  append_number(to, static_cast<std::uint8_t>(in));
  append_number(to, static_cast<std::uint32_t>(bytes.size()));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

} // namespace troupe::cluster
