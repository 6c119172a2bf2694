#include "actors/gateway/relay_codec.hpp"

#include "persistence/store/byte_codec.hpp"

#include <algorithm>

namespace troupe::gate {

namespace {

constexpr std::uint8_t format_version = 1, tag_response = 1, tag_refusal = 2;

failure malformed() {
  return {failure_kind::malformed,
          "relay_malformed",
          "Another node's message is cut or wrong.",
          {},
          {}};
}

failure other_version() {
  return {failure_kind::unsupported,
          "relay_version",
          "Another node's message is of a release that this node does not know.",
          "Bring all nodes to the same release.",
          {}};
}

void write_pairs(byte_writer& out, const header_list& pairs) {
  const auto count = std::min<std::size_t>(pairs.size(), UINT16_MAX);
  out.u16(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i)
    out.text(pairs[i].first).text(pairs[i].second);
}

bool read_text(byte_reader& in, std::string& to) {
  std::string_view text;
  if (!in.text(text))
    return false;
  to = text;
  return true;
}

bool read_pairs(byte_reader& in, header_list& to) {
  std::uint16_t count = 0;
  if (!in.integer(count))
    return false;
  for (std::uint16_t i = 0; i < count; ++i) {
    std::string name, value; // grown one by one: the count is foreign
    if (!read_text(in, name) || !read_text(in, value))
      return false;
    to.emplace_back(std::move(name), std::move(value));
  }
  return true;
}

bool read_method(byte_reader& in, http::method& to) {
  std::uint8_t verb = 0;
  if (!in.integer(verb) || verb > static_cast<std::uint8_t>(http::method::other))
    return false;
  to = static_cast<http::method>(verb);
  return true;
}

result<relayed_answer> read_response(byte_reader& in) {
  http::response out;
  std::uint16_t status = 0;
  if (!in.integer(status) || status < 200 || status > 599 || !read_pairs(in, out.headers) ||
      !read_text(in, out.body) || !in.done())
    return malformed();
  out.status = status;
  return relayed_answer(std::move(out));
}

result<relayed_answer> read_refusal(byte_reader& in) {
  failure out;
  std::uint8_t kind = 0;
  if (!in.integer(kind) || kind > static_cast<std::uint8_t>(failure_kind::storage_full) ||
      !read_text(in, out.code) || !read_text(in, out.message) || !read_text(in, out.hint) ||
      !in.done())
    return malformed();
  out.kind = static_cast<failure_kind>(kind);
  return relayed_answer(std::move(out));
}

} // namespace

std::string encode_request(const http::request& what, const header_list& headers,
                           const relay_facts& facts) {
  byte_writer out;
  out.u8(format_version).u8(facts.redirects).u64(facts.control_told);
  out.u8(static_cast<std::uint8_t>(what.verb)).text(what.verb_text).text(what.path);
  write_pairs(out, what.query);
  write_pairs(out, headers);
  out.text(what.remote_address).text(what.body);
  return out.take();
}

result<relayed_request> decode_request(std::string_view bytes) {
  byte_reader in(bytes);
  std::uint8_t release = 0;
  if (!in.integer(release))
    return malformed();
  if (release != format_version)
    return other_version();
  relayed_request out;
  auto& what = out.what;
  if (!in.integer(out.facts.redirects) || !in.integer(out.facts.control_told) ||
      !read_method(in, what.verb) || !read_text(in, what.verb_text) || !read_text(in, what.path) ||
      !read_pairs(in, what.query) || !read_pairs(in, what.headers) ||
      !read_text(in, what.remote_address) || !read_text(in, what.body) || !in.done())
    return malformed();
  what.target = what.path;
  return out;
}

std::string encode_answer(const http::response& what) {
  byte_writer out;
  out.u8(format_version).u8(tag_response).u16(static_cast<std::uint16_t>(what.status));
  write_pairs(out, what.headers);
  out.text(what.shared_body ? *what.shared_body : what.body);
  return out.take();
}

std::string encode_refusal(const failure& why) {
  byte_writer out;
  out.u8(format_version).u8(tag_refusal).u8(static_cast<std::uint8_t>(why.kind));
  out.text(why.code).text(why.message).text(why.hint);
  return out.take();
}

result<relayed_answer> decode_answer(std::string_view bytes) {
  byte_reader in(bytes);
  std::uint8_t release = 0, tag = 0;
  if (!in.integer(release))
    return malformed();
  if (release != format_version)
    return other_version();
  if (!in.integer(tag))
    return malformed();
  if (tag == tag_response)
    return read_response(in);
  if (tag == tag_refusal)
    return read_refusal(in);
  return malformed();
}

} // namespace troupe::gate
