#include "net/http/responder.hpp"

#include "net/http/encode.hpp"
#include "net/http/event_stream.hpp"
#include "net/http/session.hpp"

#include <atomic>

namespace troupe::http::detail {

namespace {

// On the io thread a long compression would hold up every other connection.
constexpr std::size_t compressed_on_io_thread_max = 256u << 10, compressed_max = 8u << 20;

class session_responder final : public responder {
public:
  session_responder(std::shared_ptr<core> home, std::weak_ptr<session> to, std::uint64_t number,
                    bool accepts_gzip)
      : home_(std::move(home)), to_(std::move(to)), number_(number), accepts_gzip_(accepts_gzip) {}

  ~session_responder() override {
    if (answered_.exchange(true))
      return;
    home_->mail.run_soon([to = to_, number = number_] {
      if (const auto target = to.lock())
        target->answer_problem(number, internal_refusal());
    });
  }

  void send(response what) override {
    if (answered_.exchange(true))
      return;
    compress(what, accepts_gzip_,
             home_->mail.on_io_thread() ? compressed_on_io_thread_max : compressed_max);
    home_->mail.run([to = to_, number = number_, answer = std::move(what)]() mutable {
      if (const auto target = to.lock())
        target->answer(number, std::move(answer));
    });
  }

  std::shared_ptr<stream> begin_stream(response head) override {
    auto source = std::make_shared<event_stream>(home_, to_);
    if (answered_.exchange(true)) {
      source->ended();
      return source;
    }
    home_->mail.run([to = to_, number = number_, answer = std::move(head), source]() mutable {
      if (const auto target = to.lock())
        target->begin_stream(number, std::move(answer), source);
      else
        source->ended();
    });
    return source;
  }

  void on_abort(std::function<void()> gone) override {
    if (answered_)
      return;
    home_->mail.run([to = to_, number = number_, call = std::move(gone)]() mutable {
      if (const auto target = to.lock())
        target->set_abort(number, std::move(call));
      else
        call();
    });
  }

private:
  const std::shared_ptr<core> home_;
  const std::weak_ptr<session> to_;
  const std::uint64_t number_;
  const bool accepts_gzip_;
  std::atomic<bool> answered_ = false;
};

} // namespace

std::shared_ptr<responder> make_responder(std::shared_ptr<core> home, std::weak_ptr<session> to,
                                          std::uint64_t number, bool accepts_gzip) {
  return std::make_shared<session_responder>(std::move(home), std::move(to), number, accepts_gzip);
}

refusal internal_refusal() {
  return {500, {failure_kind::internal, "internal_error", "The request failed.", {}, {}}};
}

} // namespace troupe::http::detail
