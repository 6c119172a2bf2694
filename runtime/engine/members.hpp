// The members of the structs that events, snapshots and messages hold, once: writer and reader
// share this list. (The fields of events themselves: event_fields.hpp.)
#pragma once

#include "runtime/engine/event.hpp"

#include <concepts>
#include <type_traits>

namespace troupe {

template <class S, class T>
concept some = std::same_as<std::remove_const_t<S>, T>;

template <some<place> S, class F> void each_member(S& s, F&& f) {
  f("node", s.node);
  f("iteration", s.iteration);
}
template <some<port_value> S, class F> void each_member(S& s, F&& f) {
  f("port", s.port);
  f("value", s.value);
}
template <some<error_info> S, class F> void each_member(S& s, F&& f) {
  f("code", s.code);
  f("message", s.message);
  f("status", s.status);
  f("retryable", s.retryable);
  f("data", s.data);
}
template <some<parent_link> S, class F> void each_member(S& s, F&& f) {
  f("run", s.run);
  f("at", s.at);
}
template <some<events::reused_output> S, class F> void each_member(S& s, F&& f) {
  f("node", s.node);
  f("ports", s.ports);
}

} // namespace troupe
