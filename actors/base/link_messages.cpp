#include "actors/base/link_messages.hpp"

#include "actors/base/link_bytes.hpp"
#include "runtime/engine/field_reader.hpp"
#include "runtime/engine/field_writer.hpp"

namespace troupe {

namespace {

constexpr std::uint8_t wire_version = 1;
constexpr json::parse_limits link_limits{256, std::size_t{256} << 20};

template <some<skill_task> S, class F> void members_of(S& s, F&& f) {
  f("run", s.run);
  f("at", s.at);
  f("attempt", s.attempt);
  f("skill", s.skill);
  f("parameters", s.parameters);
  f("idempotency_key", s.idempotency_key);
  f("trace_id", s.trace_id);
}

template <some<attempt_outcome> S, class F> void members_of(S& s, F&& f) {
  f("succeeded", s.succeeded);
  f("ports", s.ports);
  f("error", s.error);
  f("created_source_ids", s.created_source_ids);
  f("created_note_ids", s.created_note_ids);
  f("logs", s.logs);
  f("usage", s.usage);
}

template <class T> std::string text_of(const T& what) {
  std::string out;
  fields::writer to{out};
  to.open();
  members_of(what, to);
  to.close();
  return out;
}

template <class T> result<T> from_text(std::string_view text) {
  auto parsed = json::parse(text, link_limits);
  auto* members = parsed ? parsed->if_object() : nullptr;
  if (!members)
    return link_malformed();
  T out;
  fields::reader from{*members};
  members_of(out, from);
  if (!from.ok())
    return link_malformed();
  return out;
}

} // namespace

std::string encode_delivery(const remote_delivery& what) {
  link_writer to;
  to.u8(wire_version).u16(number(what.from)).u16(number(what.what.target)).u64(what.control);
  to.text(what.what.id).rest(encode_message(what.what.what));
  return to.take();
}

result<remote_delivery> decode_delivery(std::string_view bytes) {
  link_reader in(bytes);
  if (in.u8() != wire_version)
    return link_malformed();
  remote_delivery out;
  out.from = partition_id{in.u16()};
  out.what.target = partition_id{in.u16()};
  out.control = in.u64();
  out.what.id = in.text();
  const auto text = in.rest();
  if (!in.ok())
    return link_malformed();
  auto what = decode_message(text);
  if (!what)
    return what.error();
  out.what.what = std::move(*what);
  return out;
}

std::string encode_task(const remote_task& what) {
  link_writer to;
  to.u8(wire_version).text(what.token).u64(static_cast<std::uint64_t>(what.what.timeout.count()));
  to.rest(text_of(what.what));
  return to.take();
}

std::string encode_task_abort(std::string_view token) {
  skill_task none;
  none.parameters = null_value();
  none.timeout = milliseconds(1);
  return encode_task({std::string(token), std::move(none)});
}

result<remote_task> decode_task(std::string_view bytes) {
  constexpr std::uint64_t timeout_max = std::uint64_t{1} << 40;
  link_reader in(bytes);
  if (in.u8() != wire_version)
    return link_malformed();
  const std::string token(in.text());
  const auto timeout = in.u64();
  const auto text = in.rest();
  if (!in.ok() || token.empty() || timeout == 0 || timeout > timeout_max)
    return link_malformed();
  auto what = from_text<skill_task>(text);
  if (!what)
    return what.error();
  if (!what->parameters)
    return link_malformed();
  what->timeout = milliseconds(static_cast<std::int64_t>(timeout));
  return remote_task{token, std::move(*what)};
}

std::string encode_word(std::string_view token, std::string_view kind, std::string_view json) {
  link_writer to;
  to.u8(wire_version).text(token).u64(0).text(kind).rest(json);
  return to.take();
}

std::optional<remote_word> decode_word(std::string_view bytes) {
  link_reader in(bytes);
  if (in.u8() != wire_version)
    return std::nullopt;
  remote_word out;
  out.token = in.text();
  const auto no_time = in.u64() == 0;
  out.kind = in.text();
  out.json = std::make_shared<const std::string>(in.rest());
  if (!in.ok() || !no_time || out.token.empty() || out.kind.empty() || out.json->empty())
    return std::nullopt;
  return out;
}

std::string encode_outcome(const attempt_outcome& what) {
  link_writer to;
  const auto after = what.retry_after ? what.retry_after->count() + 1 : 0;
  to.u8(wire_version).u64(static_cast<std::uint64_t>(std::max<std::int64_t>(0, after)));
  to.rest(text_of(what));
  return to.take();
}

result<attempt_outcome> decode_outcome(std::string_view bytes) {
  constexpr std::uint64_t after_max = std::uint64_t{1} << 40;
  link_reader in(bytes);
  if (in.u8() != wire_version)
    return link_malformed();
  const auto after = in.u64();
  const auto text = in.rest();
  if (!in.ok() || after > after_max)
    return link_malformed();
  auto out = from_text<attempt_outcome>(text);
  if (out && after > 0)
    out->retry_after = milliseconds(static_cast<std::int64_t>(after) - 1);
  return out;
}

std::string encode_live(const run_id& run, std::string_view kind, std::string_view json) {
  link_writer to;
  to.u8(wire_version).run(run).text(kind).rest(json);
  return to.take();
}

result<live_word> decode_live(std::string_view bytes) {
  link_reader in(bytes);
  if (in.u8() != wire_version)
    return link_malformed();
  live_word out;
  out.run = in.run();
  out.kind = in.text();
  out.json = std::make_shared<const std::string>(in.rest());
  if (!in.ok() || out.kind.empty() || out.json->empty())
    return link_malformed();
  return out;
}

} // namespace troupe
