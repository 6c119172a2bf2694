#include "net/provider/span_exporter.hpp"

#include "runtime/base/log.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::otlp {

span_exporter::span_exporter(std::unique_ptr<http::client> client, exporter_options how)
    : how_(std::move(how)), client_(std::move(client)), thread_([this] { run(); }) {}

void span_exporter::add(trace_span what) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ++dropped_;
      return;
    }
    if (queue_.size() >= how_.queue_max) {
      queue_.pop_front();
      ++dropped_;
    }
    queue_.push_back(std::move(what));
    wake = queue_.size() == 1 || queue_.size() == how_.batch_max;
  }
  if (wake)
    wake_.notify_all();
}

void span_exporter::stop() {
  if (!thread_.joinable())
    return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    last_ = clock::now() + how_.flush;
  }
  wake_.notify_all();
  thread_.join();
  client_.reset(); // its callbacks use this object
}

span_exporter::figures span_exporter::current() const {
  const std::lock_guard lock(mutex_);
  return {sent_, dropped_, queue_.size()};
}

void span_exporter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    wake_.wait_for(lock, how_.gather,
                   [this] { return stopping_ || queue_.size() >= how_.batch_max; });
    if (stopping_ && (queue_.empty() || clock::now() >= last_)) {
      dropped_ += queue_.size();
      queue_.clear();
      return;
    }
    const auto end =
        queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), how_.batch_max));
    const std::vector<trace_span> batch(std::make_move_iterator(queue_.begin()),
                                        std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    deliver(lock, batch);
  }
}

void span_exporter::deliver(std::unique_lock<std::mutex>& lock,
                            const std::vector<trace_span>& batch) {
  lock.unlock();
  const auto body = encode(batch, how_.version);
  lock.lock();
  auto got = call(lock, body);
  if (got && !taken(*got) && worth_a_retry(*got)) {
    wake_.wait_for(lock, how_.pause, [this] { return stopping_; });
    if (!stopping_ || clock::now() < last_)
      got = call(lock, body);
  }
  const bool fine = got && taken(*got);
  (fine ? sent_ : dropped_) += batch.size();
  if (!got)
    return;
  const auto why = *got ? "status " + std::to_string((*got)->status) : got->error().code;
  tell(fine, why);
}

std::optional<span_exporter::answer> span_exporter::call(std::unique_lock<std::mutex>& lock,
                                                         const std::string& body) {
  http::outgoing_request what;
  what.method = "POST";
  what.url = how_.url;
  what.headers = {{"Content-Type", "application/json"}};
  what.body = body;
  what.timeout = how_.timeout;
  what.connect_timeout = std::min(what.connect_timeout, how_.timeout);
  what.follow_redirects = false;
  what.response_bytes_max = 64u << 10;
  answer_.reset();
  const auto number = ++calls_;
  lock.unlock();
  const auto under_way = client_->start(std::move(what), [this, number](answer got) {
    {
      const std::lock_guard guard(mutex_);
      if (number != calls_)
        return;
      answer_ = std::move(got);
    }
    wake_.notify_all();
  });
  lock.lock();
  const auto done = [this] { return answer_.has_value(); };
  // A call ends by its own timeout; only the end of the process is sooner.
  wake_.wait(lock, [&] { return done() || stopping_; });
  if (!done() && !wake_.wait_until(lock, last_, done)) {
    ++calls_;
    lock.unlock();
    under_way->abort();
    lock.lock();
    return std::nullopt;
  }
  return std::exchange(answer_, std::nullopt);
}

/// One line when it begins to fail, one when it works again.
void span_exporter::tell(bool fine, std::string_view why) {
  if (fine == !failing_)
    return;
  failing_ = !fine;
  if (fine)
    log::info("tracing", "the collector takes spans again");
  else
    log::warning("tracing", "the collector takes no spans; they are dropped", {{"why", why}});
}

} // namespace troupe::otlp
