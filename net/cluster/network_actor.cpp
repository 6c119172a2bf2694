#include "net/cluster/network_actor.hpp"
#include "net/cluster/link_keeper.hpp"
#include "net/cluster/servants.hpp"
#include "runtime/base/log.hpp"

#include <caf/io/broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/send.hpp>

#include <pthread.h>
#include <signal.h>

#include <map>
#include <random>

namespace troupe::cluster {

/// What a name was looked up to.
struct looked_up {
  std::uint64_t attempt = 0;
  std::vector<endpoint> found;
};

} // namespace troupe::cluster

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::cluster::looked_up)

namespace troupe::cluster {

namespace {

using tick_atom = caf::atom_constant<caf::atom("tick")>;
using secure_atom = caf::atom_constant<caf::atom("secure")>; ///< a TLS handshake is done

steady_time now() {
  return std::chrono::steady_clock::now();
}

caf::io::connection_handle handle_of(connection_id id) {
  return caf::io::connection_handle::from_int(id);
}

/// The wires of the keeper, in CAF's terms. Lives in the broker; everything happens in its thread.
class socket_wires final : public wires {
public:
  socket_wires(caf::io::broker* self, const network_deps& deps, socket_fd listener)
      : self_(self), deps_(deps),
        keeper_(*deps.options, *deps.book, *deps.events, *this, std::random_device{}()),
        resolver_([to = caf::actor_cast<caf::actor>(self)](std::uint64_t attempt, auto found) {
          caf::anon_send(to, looked_up{attempt, std::move(found)});
        }) {
    self_->add_doorman(make_doorman(loop(), std::move(listener), [this](socket_fd socket) {
      return adopt(std::move(socket), true);
    }));
  }

  caf::behavior behavior();

  void dial(std::uint64_t attempt, const peer_address& to) override;
  byte_buffer& out(connection_id id) override { return self_->wr_buf(handle_of(id)); }
  void flush(connection_id id) override { self_->flush(handle_of(id)); }
  void expect(connection_id id, std::size_t bytes) override {
    self_->configure_read(handle_of(id), caf::io::receive_policy::exactly(bytes));
  }
  void close(connection_id id) override {
    self_->close(handle_of(id));
    sessions_.erase(id);
  }
  std::uint64_t received_bytes(connection_id id) override {
    return sessions_.at(id)->received_bytes();
  }
  std::string peer_name(connection_id id) override { return sessions_.at(id)->peer_name(); }

private:
  caf::io::network::default_multiplexer& loop() {
    return static_cast<caf::io::network::default_multiplexer&>(self_->backend());
  }
  /// For messages to itself, which must not name their sender: what a broker leaves unread is never
  /// freed by CAF, and would keep it alive.
  caf::actor self() const { return caf::actor_cast<caf::actor>(self_); }
  caf::io::connection_handle adopt(socket_fd socket, bool accepted);
  void begin(connection_id id);
  void connect(const looked_up& to);
  void closed(connection_id id);
  void arm();
  /// Runs `what`; nothing that it throws ends the actor.
  template <class What> void guarded(What what) noexcept;
  /// The same; then the next tick is armed.
  template <class What> void step(What what) noexcept {
    guarded(what);
    guarded([this] { arm(); });
  }

  caf::io::broker* self_;
  network_deps deps_;
  link_keeper keeper_;
  resolver resolver_;
  std::map<connection_id, std::shared_ptr<tls_session>> sessions_;
  connection_id last_id_ = 0;
  steady_time armed_for_ = steady_time::max();
};

template <class What> void socket_wires::guarded(What what) noexcept {
  try {
    what();
  } catch (const std::exception& error) {
    log::error("cluster", "an event of the network was lost", {{"why", error.what()}});
  }
}

caf::io::connection_handle socket_wires::adopt(socket_fd socket, bool accepted) {
  const auto id = ++last_id_;
  auto session =
      std::make_shared<tls_session>(deps_.tls, socket.get(), accepted, [to = self(), id] {
        caf::anon_send(to, secure_atom::value, id);
      });
  auto scribe = make_scribe(loop(), std::move(socket), session, handle_of(id));
  sessions_.emplace(id, std::move(session));
  self_->add_scribe(std::move(scribe));
  return handle_of(id);
}

void socket_wires::begin(connection_id id) {
  self_->ack_writes(handle_of(id), true);
  expect(id, frame_header_bytes);
}

void socket_wires::dial(std::uint64_t attempt, const peer_address& to) {
  auto found = numeric_endpoints(to.host, to.port);
  if (!found.empty() || !resolver_.resolve(attempt, to.host, to.port))
    caf::anon_send(self(), looked_up{attempt, std::move(found)});
}

void socket_wires::connect(const looked_up& to) {
  if (to.found.empty())
    return keeper_.dial_failed(to.attempt, "Its name cannot be looked up.", now());
  // Of several addresses each attempt takes the next one.
  auto socket = begin_connect(to.found[to.attempt % to.found.size()]);
  if (!socket)
    return keeper_.dial_failed(to.attempt, socket.error().message, now());
  const auto id = adopt(std::move(*socket), false).id();
  begin(id);
  if (!keeper_.dialled(to.attempt, id))
    close(id);
}

void socket_wires::closed(connection_id id) {
  const auto ended = sessions_.find(id);
  if (ended == sessions_.end())
    return;
  const auto session = ended->second;
  sessions_.erase(ended);
  keeper_.closed(id, session->why().empty() ? "The connection broke." : session->why(), now());
}

void socket_wires::arm() {
  const auto next = keeper_.next();
  if (next >= armed_for_)
    return;
  armed_for_ = next;
  const auto wait = std::max(next - now(), steady_time::duration::zero());
  // A millisecond late rather than early: an early tick would find nothing to do.
  caf::delayed_anon_send(self(), wait + std::chrono::milliseconds(1), tick_atom::value,
                         std::int64_t{next.time_since_epoch().count()});
}

caf::behavior socket_wires::behavior() {
  self_->set_default_handler(caf::drop);
  self_->set_exit_handler([](caf::exit_msg&) {});
  return {
      [this](const caf::io::new_data_msg& come) {
        step([&] { keeper_.data(come.handle.id(), {come.buf.data(), come.buf.size()}, now()); });
      },
      [this](const caf::io::data_transferred_msg& gone) {
        if (gone.remaining == 0)
          guarded([&] { keeper_.drained(gone.handle.id(), now()); });
      },
      [this](flush_atom) {
        deps_.flush_asked->store(false);
        guarded([&] { keeper_.flush(now()); });
      },
      [this](tick_atom, std::int64_t due) {
        const steady_time meant_for{steady_time::duration{due}};
        if (meant_for != armed_for_)
          return; // an earlier one was armed since
        armed_for_ = steady_time::max();
        step([&] { keeper_.tick(now(), meant_for); });
      },
      [this](secure_atom, connection_id id) { step([&] { keeper_.established(id, now()); }); },
      [this](const caf::io::new_connection_msg& made) {
        step([&] {
          begin(made.handle.id());
          keeper_.accepted(made.handle.id(), now());
        });
      },
      [this](const caf::io::connection_closed_msg& gone) {
        step([&] { closed(gone.handle.id()); });
      },
      [this](const looked_up& to) { step([&] { connect(to); }); },
      [this](nodes_atom) { step([&] { keeper_.peers_changed(now()); }); },
      [this](const caf::io::acceptor_closed_msg&) {
        log::error("cluster", "the port for other nodes closed");
      },
      [this](stop_atom) { self_->quit(); },
  };
}

struct network_state {
  std::unique_ptr<socket_wires> own;
};

} // namespace

caf::actor spawn_network(caf::actor_system& in, const network_deps& deps, socket_fd listener) {
  // What an actor is spawned with must be copyable, a socket is not.
  auto given = std::make_shared<socket_fd>(std::move(listener));
  return in.middleman().spawn_broker(
      [](caf::io::stateful_broker<network_state>* self, const network_deps& with,
         const std::shared_ptr<socket_fd>& on) -> caf::behavior {
        // OpenSSL writes without MSG_NOSIGNAL; this thread is the loop's own.
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
        self->state.own = std::make_unique<socket_wires>(self, with, std::move(*on));
        return self->state.own->behavior();
      },
      deps, given);
}

} // namespace troupe::cluster
