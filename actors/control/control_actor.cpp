#include "actors/control/control_actor.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/handlers.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

struct control_state {
  std::unique_ptr<control_core> core;
  std::chrono::steady_clock::time_point next{};
  inline static const char* name = "control";
};

control_actor::behavior_type behave_as_control(control_actor::stateful_pointer<control_state> self,
                                               std::shared_ptr<control_deps> deps) {
  drop_unexpected(self, "control");
  self->state.core = std::make_unique<control_core>(*deps, control_actor{self});
  const auto handle = [self, deps](auto& m) {
    guarded(
        "control",
        [&] {
          suffer_faults(deps->shared, "control");
          self->state.core->on(m);
        },
        [&] { deps->shared.metrics.crashes.add(); });
  };
  const auto look_every = deps->shared.settings.retention_sweep;
  self->state.next = std::chrono::steady_clock::now() + look_every;
  self->delayed_send(self, look_every, control_tick{});
  return {
      [=](save_workflow_request& m) { handle(m); },
      [=](activate_workflow_request& m) { handle(m); },
      [=](delete_workflow_request& m) { handle(m); },
      [=](write_document_request& m) { handle(m); },
      [=](settled& m) { handle(m); },
      [=](control_tick& m) {
        handle(m);
        // A moved clock sends ticks too: only the chain of our own goes on.
        const auto now = std::chrono::steady_clock::now();
        if (now < self->state.next)
          return;
        self->state.next = now + look_every;
        self->delayed_send(self, look_every, control_tick{});
      },
  };
}

} // namespace

control_actor spawn_control_actor(caf::actor_system& system, control_deps deps) {
  return system.spawn(behave_as_control, std::make_shared<control_deps>(std::move(deps)));
}

} // namespace troupe
