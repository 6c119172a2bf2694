#include "actors/control/control_actor.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/handlers.hpp"
#include "actors/base/leading.hpp"
#include "actors/control/housekeeping.hpp"
#include "runtime/base/log.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

constexpr partition_id control_partition{0};

struct control_state {
  std::unique_ptr<control_core> core; ///< of the leadership that goes on; empty: none does
  std::unique_ptr<housekeeping> chores;
  milliseconds next_at{0}; ///< when our own next tick is due
  inline static const char* name = "control";
};

using control_pointer = control_actor::stateful_pointer<control_state>;

void leave(control_state& s) {
  if (const auto core = std::move(s.core))
    core->leave();
}

void leave_if_lost(control_state& s, const engine_shared& shared) {
  if (s.core && !leads_under(shared, control_partition, s.core->term()))
    leave(s);
}

/// What the log told may be overtaken: what holds now decides. Others may have written since the
/// directory was read.
void open(control_pointer self, const control_deps& deps, std::uint64_t term) {
  auto& core = self->state.core;
  if (!leads_under(deps.shared, control_partition, term) || (core && core->term() == term))
    return;
  leave(self->state);
  if (const auto read = deps.workflows.open(); !read)
    return log::error("control", "the workflows are not readable; it is tried again",
                      {{"code", std::string_view(read.error().code)}});
  core = std::make_unique<control_core>(deps, term, control_actor{self});
}

/// Opens again what could not be opened.
void open_if_led(control_pointer self, const control_deps& deps) {
  const auto now = deps.shared.log.leads(control_partition);
  if (!self->state.core && now.here)
    open(self, deps, now.term);
}

control_actor::behavior_type behave_as_control(control_pointer self,
                                               std::shared_ptr<control_deps> deps) {
  drop_unexpected(self, "control");
  self->state.chores = std::make_unique<housekeeping>(deps->shared, deps->workflows);
  const auto safely = [deps](const auto& work) {
    guarded("control", work, [&] { deps->shared.metrics.crashes.add(); });
  };
  const auto handle = [=](auto& m) {
    safely([&] {
      suffer_faults(deps->shared, "control");
      if (self->state.core)
        self->state.core->on(m);
      else
        refuse(m, not_open(deps->shared, control_partition));
    });
  };
  const auto look_every = deps->shared.settings.retention_sweep;
  self->state.next_at = deps->shared.clock.elapsed() + look_every;
  self->delayed_send(self, look_every, control_tick{});
  return {
      [=](save_workflow_request& m) { handle(m); },
      [=](activate_workflow_request& m) { handle(m); },
      [=](delete_workflow_request& m) { handle(m); },
      [=](write_document_request& m) { handle(m); },
      [=](settled& m) { handle(m); },
      [=](open_partition& m) { safely([&] { open(self, *deps, m.term); }); },
      [=](leave_partition&) { safely([&] { leave_if_lost(self->state, deps->shared); }); },
      [=](control_tick&) {
        safely([&] {
          suffer_faults(deps->shared, "control");
          open_if_led(self, *deps);
          self->state.chores->look();
          if (!deps->shared.services.stopped("notification"))
            deps->shared.services.worked("notification");
        });
        // A moved clock sends ticks too: only the chain of our own goes on.
        const auto now = deps->shared.clock.elapsed();
        if (now < self->state.next_at)
          return;
        self->state.next_at = now + look_every;
        self->delayed_send(self, look_every, control_tick{});
      },
  };
}

} // namespace

control_actor spawn_control_actor(caf::actor_system& system, control_deps deps) {
  return system.spawn(behave_as_control, std::make_shared<control_deps>(std::move(deps)));
}

} // namespace troupe
