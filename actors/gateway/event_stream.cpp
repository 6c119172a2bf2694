// Server-sent events of one execution.
#include "actors/gateway/start.hpp"

#include <mutex>

namespace troupe::gate {

namespace {

/// Writes a run's events to a stream. A stream that does not take a text is closed by the server:
/// its reader was too slow and may come back with Last-Event-ID.
class stream_subscriber final : public subscriber {
public:
  explicit stream_subscriber(std::shared_ptr<http::stream> out) : out_(std::move(out)) {}

  bool on_event(const run_id&, sequence_number seq, std::string_view kind,
                const std::shared_ptr<const std::string>& json) override {
    std::string text;
    text.reserve(json->size() + kind.size() + 48);
    text += "id: " + std::to_string(seq) + "\nevent: ";
    text += kind;
    text += "\ndata: ";
    text += *json;
    text += "\n\n";
    return out_->write(std::move(text));
  }
  bool on_live(const run_id&, std::string_view kind,
               const std::shared_ptr<const std::string>& json) override {
    std::string text = "event: ";
    text += kind;
    text += "\ndata: ";
    text += *json;
    text += "\n\n";
    return out_->write(std::move(text));
  }
  void on_end(const run_id&) override { out_->close(); }

private:
  const std::shared_ptr<http::stream> out_;
};

/// Keeps a subscription until its stream is gone, whichever of the two is known first.
class subscription_slot {
public:
  void hold(std::shared_ptr<void> handle) {
    const std::lock_guard lock(mutex_);
    if (!gone_)
      handle_ = std::move(handle);
  }
  void release() {
    std::shared_ptr<void> dropped; // ends outside of the lock
    const std::lock_guard lock(mutex_);
    gone_ = true;
    dropped = std::move(handle_);
  }

private:
  std::mutex mutex_;
  bool gone_ = false;
  std::shared_ptr<void> handle_;
};

} // namespace

void stream_run(const call_ptr& c, const run_id& run, sequence_number since) {
  const auto home = c->home;
  const auto out = c->begin_stream();
  out->write("retry: 1000\n\n");
  const auto slot = std::make_shared<subscription_slot>();
  ++home->counters.streams_open;
  out->on_close([home, slot] {
    --home->counters.streams_open;
    slot->release();
  });
  home->clock.keep_alive(out);
  slot->hold(home->engine.subscribe(run, since, std::make_shared<stream_subscriber>(out)));
}

} // namespace troupe::gate
