// What every actor does the same way: unknown messages are dropped, exceptions stop at the handler.
#pragma once

#include "runtime/base/log.hpp"

#include <caf/local_actor.hpp>
#include <caf/result.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/skip.hpp>
#include <caf/type_erased_tuple.hpp>

#include <exception>

namespace troupe {

/// CAF's own default ends the receiver.
template <class Self> void drop_unexpected(Self* self, const char* name) {
  self->set_default_handler(
      [name](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
        log::warning("actors", "unexpected message dropped", {{"actor", std::string_view(name)}});
        return caf::message{};
      });
}

/// Runs a handler; an exception is our bug: it is logged and `crashed` repairs what it can.
template <class Handler, class Crashed>
void guarded(const char* name, Handler&& handler, Crashed&& crashed) noexcept {
  try {
    handler();
  } catch (const std::exception& e) {
    log::error("actors", "exception in a handler",
               {{"actor", std::string_view(name)}, {"what", std::string_view(e.what())}});
    crashed();
  } catch (...) {
    log::error("actors", "unknown exception in a handler", {{"actor", std::string_view(name)}});
    crashed();
  }
}

} // namespace troupe
