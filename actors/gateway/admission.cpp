#include "actors/gateway/admission.hpp"

#include "actors/gateway/shared_counts.hpp"
#include "net/rest/headers.hpp"
#include "persistence/store/digest.hpp"

#include <algorithm>

namespace troupe::gate {

namespace {

/// Compares digests, so neither content nor length of the password shows in the time it takes.
bool is_password(const core& home, std::string_view token) {
  const auto digest = sha256(token);
  unsigned difference = 0;
  for (std::size_t i = 0; i < digest.size(); ++i)
    difference |= static_cast<unsigned>(digest[i] ^ home.password_digest[i]);
  return difference == 0;
}

std::chrono::milliseconds locked_for(core& home, const std::string& address) {
  const std::lock_guard lock(home.limits_mutex);
  return home.logins.wait(address, std::chrono::steady_clock::now());
}

void note_failure(core& home, const std::string& address) {
  (void)count_everywhere(home, limited::failed_login, address);
}

} // namespace

std::optional<failure> not_served(const core& home) {
  const auto* cluster = home.settings.cluster;
  if (cluster != nullptr && !cluster->member())
    return cluster->problem();
  if (home.settings.serves_clients)
    return std::nullopt;
  return failure{failure_kind::unavailable,
                 "not_a_gateway",
                 "This node serves no clients: its only role is engine.",
                 "Ask a node with the role gateway.",
                 {}};
}

std::optional<failure> authenticate(core& home, const http::request& r,
                                    std::uint64_t& wait_seconds) {
  if (home.settings.password.empty())
    return std::nullopt;
  const auto token = rest::bearer_of(r);
  if (!token)
    return token.error();
  if (const auto wait = locked_for(home, r.remote_address); wait.count() > 0) {
    wait_seconds = static_cast<std::uint64_t>((wait.count() + 999) / 1000);
    return failure{failure_kind::exhausted,
                   "too_many_failures",
                   "Too many wrong passwords came from this address.",
                   "Try again in a minute.",
                   {}};
  }
  if (is_password(home, *token))
    return std::nullopt;
  note_failure(home, r.remote_address);
  return failure{failure_kind::unauthenticated, "invalid_password", "Invalid password", {}, {}};
}

socket_verdict authenticate_socket(core& home, const http::request& r) {
  if (home.settings.password.empty())
    return socket_verdict::welcome;
  std::string token(r.parameter("token"));
  if (token.empty()) {
    auto header = rest::bearer_of(r);
    if (!header)
      return r.header("authorization").empty() ? socket_verdict::no_token
                                               : socket_verdict::bad_token;
    token = std::move(*header);
  }
  if (locked_for(home, r.remote_address).count() > 0)
    return socket_verdict::throttled;
  if (is_password(home, token))
    return socket_verdict::welcome;
  note_failure(home, r.remote_address);
  return socket_verdict::bad_token;
}

bool origin_allowed(const core& home, const http::request& r) {
  const auto origin = r.header("origin");
  if (origin.empty())
    return true;
  const auto& allowed = home.settings.cors_origins;
  if (std::any_of(allowed.begin(), allowed.end(),
                  [&](const auto& o) { return o == "*" || o == origin; }))
    return true;
  const auto scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == r.header("host");
}

std::chrono::milliseconds take_start(core& home, const http::request& r) {
  return count_everywhere(home, limited::start, r.remote_address);
}

} // namespace troupe::gate
