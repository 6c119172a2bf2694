// The world that steps call: counts what was done to it, answers late, fails, or loses the answer.
#pragma once

#include "net/client/client.hpp"
#include "tests/simulation/stage.hpp"

#include <map>
#include <memory>
#include <set>

namespace troupe::test {

/// Everything that was ever done, over all nodes and processes.
struct endpoint_book {
  std::map<std::string, std::uint64_t> executed; ///< by Idempotency-Key
};

/// The HTTP client of one process.
class sim_http final : public http::client, public std::enable_shared_from_this<sim_http> {
public:
  sim_http(stage& on, endpoint_book& book) : stage_(on), book_(book) {}

  std::shared_ptr<http::call> start(http::outgoing_request what, http::call_done done) override;
  std::shared_ptr<http::call> start_streaming(http::outgoing_request what,
                                              std::function<void(std::string_view)> chunk,
                                              http::call_done done) override;
  /// The process is gone: what is under way may still be done, and nobody hears of it.
  void die();

private:
  class held_call;
  void finish(std::uint64_t id, result<http::incoming_response> how);

  stage& stage_;
  endpoint_book& book_;
  std::map<std::uint64_t, http::call_done> pending_;
  std::uint64_t next_ = 0;
};

} // namespace troupe::test
