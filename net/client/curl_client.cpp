// The multi loop: one thread drives every call.
#include "net/client/transfer.hpp"

#include "runtime/base/log.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe::http {

namespace {

using namespace detail;

failure aborted() {
  return {failure_kind::upstream, "aborted", "The call was aborted.", {}, {}};
}

/// What client, thread and calls share; a call may outlive its client.
class mail {
public:
  struct letter {
    std::uint64_t id = 0;
    std::unique_ptr<transfer> begin; ///< empty: abort the call of this id
    std::optional<failure> refused;  ///< found by check_outgoing
  };

  explicit mail(CURLM* multi) : multi_(multi) {}

  void post(letter what) {
    const std::lock_guard lock(mutex_);
    if (!multi_)
      return;
    letters_.push_back(std::move(what));
    curl_multi_wakeup(multi_);
  }
  std::vector<letter> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(letters_, {});
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    curl_multi_wakeup(multi_);
  }
  bool stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    multi_ = nullptr;
  }
  std::uint64_t next_id() noexcept { return ++last_id_; }

private:
  std::mutex mutex_;
  CURLM* multi_;
  std::vector<letter> letters_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> last_id_ = 0;
};

class curl_call final : public call {
public:
  curl_call(std::shared_ptr<mail> to, std::uint64_t id) : to_(std::move(to)), id_(id) {}
  void abort() override { to_->post({id_, nullptr, {}}); }

private:
  const std::shared_ptr<mail> to_;
  const std::uint64_t id_;
};

class curl_client final : public client {
public:
  explicit curl_client(const client_options& options)
      : policy_(std::make_shared<const address_policy>(options.allow)), budget_(options.budget),
        multi_(curl_multi_init()), mail_(std::make_shared<mail>(multi_)) {
    check(multi_ != nullptr, "libcurl has no memory to start");
    for (const auto& entry : policy_->refused_entries())
      log::warning("client", "an allowed target is not host:port",
                   {{"entry", std::string_view{entry}}});
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options.connections_per_host_max));
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      static_cast<long>(options.connections_max));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(std::min<std::size_t>(options.connections_max, 256)));
    thread_ = std::thread([this] { run(); });
  }

  ~curl_client() override {
    check(std::this_thread::get_id() != thread_.get_id(),
          "a client cannot end in its own callback");
    mail_->stop();
    thread_.join();
    mail_->close();
    curl_multi_cleanup(multi_);
  }

  std::shared_ptr<call> start(outgoing_request what, call_done done) override {
    return start_streaming(std::move(what), nullptr, std::move(done));
  }

  std::shared_ptr<call> start_streaming(outgoing_request what,
                                        std::function<void(std::string_view)> chunk,
                                        call_done done) override {
    const auto id = mail_->next_id();
    auto refused = check_outgoing(what);
    auto begin =
        std::make_unique<transfer>(std::move(what), std::move(chunk), std::move(done), policy_);
    begin->count_in(budget_);
    mail_->post({id, std::move(begin), std::move(refused)});
    return std::make_shared<curl_call>(mail_, id);
  }

private:
  void run() {
    while (!mail_->stopping()) {
      for (auto& letter : mail_->take())
        letter.begin ? begin(std::move(letter)) : abort(letter.id);
      int running = 0;
      curl_multi_perform(multi_, &running);
      reap();
      constexpr int longest_ms = 10'000; // libcurl's own timers and wake-ups end it earlier
      curl_multi_poll(multi_, nullptr, 0, longest_ms, nullptr);
    }
    for (auto& letter : mail_->take())
      if (letter.begin)
        letter.begin->finish(aborted());
    while (!under_way_.empty())
      abort(under_way_.begin()->first);
  }

  void begin(mail::letter letter) {
    if (letter.refused)
      return letter.begin->finish(std::move(*letter.refused));
    CURL* easy = letter.begin->open();
    if (!easy || curl_multi_add_handle(multi_, easy) != CURLM_OK)
      return letter.begin->finish(
          failure{failure_kind::upstream, "connect_failed", "No memory for the call.", {}, {}});
    ids_.emplace(easy, letter.id);
    under_way_.emplace(letter.id, std::move(letter.begin));
  }

  std::unique_ptr<transfer>
  remove(std::map<std::uint64_t, std::unique_ptr<transfer>>::iterator at) {
    auto out = std::move(at->second);
    under_way_.erase(at);
    ids_.erase(out->handle());
    curl_multi_remove_handle(multi_, out->handle());
    return out;
  }

  void abort(std::uint64_t id) {
    if (const auto found = under_way_.find(id); found != under_way_.end())
      remove(found)->finish(aborted());
  }

  void reap() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE)
        continue;
      const auto code = message->data.result; // gone once the handle is removed
      const auto found = ids_.find(message->easy_handle);
      check(found != ids_.end(), "libcurl reports a call that is not under way");
      auto ended = remove(under_way_.find(found->second));
      auto outcome = ended->outcome(code);
      ended->finish(std::move(outcome));
    }
  }

  const std::shared_ptr<const address_policy> policy_;
  byte_budget* const budget_;
  CURLM* const multi_;
  const std::shared_ptr<mail> mail_;
  // Client's thread only.
  std::map<std::uint64_t, std::unique_ptr<transfer>> under_way_;
  std::map<CURL*, std::uint64_t> ids_;
  std::thread thread_;
};

} // namespace

std::unique_ptr<client> start_client(client_options options) {
  static std::once_flag once; // libcurl asks for this before any thread uses it
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return std::make_unique<curl_client>(options);
}

} // namespace troupe::http
