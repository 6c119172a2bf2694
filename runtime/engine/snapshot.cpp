#include "runtime/engine/snapshot.hpp"

#include "runtime/base/hash.hpp"
#include "runtime/engine/field_reader.hpp"
#include "runtime/engine/field_writer.hpp"
#include "runtime/engine/state_members.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr json::parse_limits snapshot_limits{512, std::size_t{1} << 30};

failure refused(std::string code, std::string message) {
  return {failure_kind::malformed, std::move(code), std::move(message), {}, {}};
}

/// A hash as a value of a writer: hex text.
std::string hex_of(const chain_hash& hash) {
  return to_hex(fields::bytes_of(hash));
}

std::string written(const run_state& s, const footprint* so_far) {
  std::string out;
  fields::writer line{out};
  line.open();
  line("format", snapshot_format);
  line("state_seq", s.seq);
  out.append(",\"state\":{");
  // A nested object by hand: the state's members follow without a copy.
  fields::writer members{out};
  each_member(s, members);
  out.push_back('}');
  if (so_far) {
    const auto& [last, active, owing, shown, reviews] = *so_far;
    line("last_hash", hex_of(last));
    line("active", active);
    line("owing", owing);
    line("shown", shown);
    line("reviews", reviews);
  }
  line.close();
  return out;
}

result<json::value> parsed(std::string_view text) {
  auto value = json::parse(text, snapshot_limits);
  if (!value)
    return refused("snapshot_malformed", value.error().message);
  auto* members = value->if_object();
  if (!members)
    return refused("snapshot_malformed", "a snapshot is an object");
  const auto* format = members->if_contains("format");
  if (!format || !format->is_int64() || format->get_int64() != snapshot_format)
    return refused("snapshot_format", "the snapshot has another format");
  return value;
}

bool read_footprint(fields::reader& in, footprint& so_far) {
  auto& [last, active, owing, shown, reviews] = so_far;
  std::string hex;
  in("last_hash", hex);
  in("active", active);
  in("owing", owing);
  in("shown", shown);
  in("reviews", reviews);
  if (hex.empty())
    return true;
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != last.size())
    return false;
  std::copy(bytes->begin(), bytes->end(), last.begin());
  return true;
}

} // namespace

std::string encode_snapshot(const run_state& s, const footprint& so_far) {
  return written(s, &so_far);
}

std::string encode_state(const run_state& s) {
  return written(s, nullptr);
}

result<snapshot> decode_snapshot(std::string_view text) {
  auto value = parsed(text);
  if (!value)
    return std::move(value).error();
  auto& members = value->get_object();
  auto* state = members.if_contains("state");
  auto* state_members = state ? state->if_object() : nullptr;
  if (!state_members)
    return refused("snapshot_malformed", "the snapshot has no state");
  snapshot out;
  fields::reader in{*state_members};
  each_member(out.state, in);
  if (!in.ok())
    return refused("snapshot_malformed", "the snapshot's state." + in.culprit() + " is wrong");
  fields::reader rest{members};
  if (!read_footprint(rest, out.so_far) || !rest.ok())
    return refused("snapshot_malformed",
                   "the snapshot's " + (rest.ok() ? "last_hash" : rest.culprit()) + " is wrong");
  return out;
}

result<run_state> decode_state(std::string_view text) {
  auto all = decode_snapshot(text);
  if (!all)
    return std::move(all).error();
  return std::move(all->state);
}

std::uint64_t state_hash(const run_state& s) {
  return hash64(written(s, nullptr));
}

} // namespace troupe
