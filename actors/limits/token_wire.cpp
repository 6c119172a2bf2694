#include "actors/limits/token_wire.hpp"

#include "actors/base/link_bytes.hpp"

namespace troupe {

namespace {

constexpr std::uint8_t tokens_version = 1;
enum class token_message : std::uint8_t { report = 1, grants = 2 };

void write_runs(link_writer& to, const std::vector<run_id>& runs) {
  to.u32(static_cast<std::uint32_t>(runs.size()));
  for (const auto& run : runs)
    to.run(run);
}

std::vector<run_id> read_runs(link_reader& from) {
  std::vector<run_id> out;
  for (auto left = from.count(16); left > 0; --left)
    out.push_back(from.run());
  return out;
}

result<token_report> read_report(link_reader& in) {
  token_report out;
  out.partition = partition_id{in.u16()};
  out.term = in.u64();
  out.bank = in.u64();
  out.number = in.u64();
  out.whole = in.u8() != 0;
  for (auto left = in.count(17); left > 0 && in.ok(); --left) {
    token_change each;
    const auto kind = in.u8();
    each.what = static_cast<token_change::kind>(kind);
    each.request.run = in.run();
    if (each.what != token_change::kind::release) {
      const auto priority = in.u8();
      each.request.workflow_max = in.u32();
      each.request.workflow = in.text();
      if (priority > static_cast<std::uint8_t>(run_priority::low))
        return link_malformed();
      each.request.priority = static_cast<run_priority>(priority);
    }
    if (kind < 1 || kind > 3 || partition_of(each.request.run) != out.partition)
      return link_malformed();
    out.changes.push_back(std::move(each));
  }
  if (!in.done())
    return link_malformed();
  return out;
}

result<token_grants> read_grants(link_reader& in) {
  token_grants out;
  out.partition = partition_id{in.u16()};
  out.term = in.u64();
  out.bank = in.u64();
  out.base = in.u64();
  out.runs = read_runs(in);
  if (!in.done())
    return link_malformed();
  return out;
}

} // namespace

std::string encode_report(const token_report& what) {
  link_writer to;
  to.u8(tokens_version).u8(static_cast<std::uint8_t>(token_message::report));
  to.u16(number(what.partition)).u64(what.term).u64(what.bank).u64(what.number);
  to.u8(what.whole ? 1 : 0).u32(static_cast<std::uint32_t>(what.changes.size()));
  for (const auto& each : what.changes) {
    to.u8(static_cast<std::uint8_t>(each.what)).run(each.request.run);
    if (each.what != token_change::kind::release)
      to.u8(static_cast<std::uint8_t>(each.request.priority))
          .u32(each.request.workflow_max)
          .text(each.request.workflow);
  }
  return to.take();
}

std::string encode_grants(const token_grants& what) {
  link_writer to;
  to.u8(tokens_version).u8(static_cast<std::uint8_t>(token_message::grants));
  to.u16(number(what.partition)).u64(what.term).u64(what.bank).u64(what.base);
  write_runs(to, what.runs);
  return to.take();
}

result<std::variant<token_report, token_grants>> decode_tokens(std::string_view bytes) {
  using either = std::variant<token_report, token_grants>;
  link_reader in(bytes);
  if (in.u8() != tokens_version)
    return link_malformed();
  switch (static_cast<token_message>(in.u8())) {
  case token_message::report: {
    auto out = read_report(in);
    return out ? result<either>(std::move(*out)) : out.error();
  }
  case token_message::grants: {
    auto out = read_grants(in);
    return out ? result<either>(std::move(*out)) : out.error();
  }
  }
  return link_malformed();
}

std::string encode_runs(const std::vector<run_id>& runs) {
  link_writer to;
  to.u8(tokens_version);
  write_runs(to, runs);
  return to.take();
}

result<std::vector<run_id>> decode_runs(std::string_view bytes) {
  link_reader in(bytes);
  if (in.u8() != tokens_version)
    return link_malformed();
  auto out = read_runs(in);
  if (!in.done())
    return link_malformed();
  return out;
}

} // namespace troupe
