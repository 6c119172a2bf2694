// The limiter of a node in a cluster: asks for its partitions, and decides while control is led
// here.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/limits/token_bank.hpp"
#include "actors/limits/token_client.hpp"

#include <memory>

namespace troupe {

/// Not thread-safe: the limiter's actor owns it, and calls flush() after every message.
class shared_tokens {
public:
  explicit shared_tokens(engine_shared& shared) : shared_(shared) {}

  void on(const token_wanted& m);
  void on(const token_free& m);
  void on(const token_claims& m);
  void on(token_mail& m);
  void on(const token_settled& m);

  /// Follows who leads control, and sends what is to be sent; then when to come again.
  std::optional<milliseconds> flush(const limiter_actor& self);

private:
  void follow_control();
  void ask(std::uint64_t node, std::string bytes, token_settled about, const limiter_actor& self);
  std::vector<token_request> stored(partition_id partition) const;

  engine_shared& shared_;
  token_client client_;
  std::unique_ptr<token_bank> bank_; ///< while control is led here
};

} // namespace troupe
