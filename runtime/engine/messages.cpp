#include "runtime/engine/messages.hpp"

#include "runtime/engine/field_reader.hpp"
#include "runtime/engine/field_writer.hpp"

namespace troupe {

namespace messages {

template <some<start_child> S, class F> void each_member(S& s, F&& f) {
  f("child", s.child);
  f("parent", s.parent);
  f("workflow_id", s.workflow_id);
  f("workflow_version", s.workflow_version);
  f("input", s.input);
  f("depth", s.depth);
  f("triggered_by", s.triggered_by);
  f("priority", s.priority);
  f("trace_id", s.trace_id);
  f("user", s.user);
}
template <some<cancel_child> S, class F> void each_member(S& s, F&& f) {
  f("child", s.child);
  f("reason", s.reason);
}
template <some<child_ended> S, class F> void each_member(S& s, F&& f) {
  f("parent", s.parent);
  f("child", s.child);
  f("status", s.status);
  f("output", s.output);
  f("error", s.error);
}

} // namespace messages

namespace {

constexpr json::parse_limits message_limits{256, std::size_t{256} << 20};

failure refused(std::string code, std::string message) {
  return {failure_kind::malformed, std::move(code), std::move(message), {}, {}};
}

template <class Message> result<messages::any> read_message(json::object& members) {
  Message m;
  fields::reader in{members};
  each_member(m, in);
  if (!in.ok())
    return refused("message_malformed", "a message's " + in.culprit() + " is wrong");
  return messages::any{std::move(m)};
}

} // namespace

std::string encode_message(const messages::any& what) {
  std::string out;
  fields::writer line{out};
  line.open();
  std::visit(
      [&](const auto& m) {
        line("message", std::string{m.name});
        each_member(m, line);
      },
      what);
  line.close();
  return out;
}

result<messages::any> decode_message(std::string_view text) {
  auto parsed = json::parse(text, message_limits);
  if (!parsed)
    return refused("message_malformed", parsed.error().message);
  auto* members = parsed->if_object();
  if (!members)
    return refused("message_malformed", "a message is an object");
  const std::string name{json::text_or(*parsed, "message", {})};
  if (name == messages::start_child::name)
    return read_message<messages::start_child>(*members);
  if (name == messages::cancel_child::name)
    return read_message<messages::cancel_child>(*members);
  if (name == messages::child_ended::name)
    return read_message<messages::child_ended>(*members);
  return refused("message_unknown",
                 "a message of a kind that this release does not know: '" + name + "'");
}

} // namespace troupe
