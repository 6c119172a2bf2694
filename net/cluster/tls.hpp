// Mutual TLS 1.3 over non-blocking sockets. Not CAF's own: measured in 0.17.6, one silent stranger
// at its port takes a whole core, and one failed handshake breaks the connections of all others
// (stale entries of OpenSSL's error queue).
#pragma once

#include "runtime/base/result.hpp"

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe::cluster {

struct tls_context_free {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct tls_free {
  void operator()(SSL* tls) const noexcept { SSL_free(tls); }
};
using tls_context_ptr = std::unique_ptr<SSL_CTX, tls_context_free>;

/// Reads the three PEM files once. Fails with kind `unavailable`, code "cluster_tls_failed".
result<tls_context_ptr> make_tls_context(const std::string& authority_file,
                                         const std::string& certificate_file,
                                         const std::string& key_file);

enum class tls_outcome { done, wait, failed };

/// One connection. Used by one thread, which blocks SIGPIPE. Does not own the socket.
class tls_session {
public:
  /// `established` is called once, when both sides have seen each other's certificate.
  tls_session(SSL_CTX* context, int socket, bool accepts, std::function<void()> established);

  tls_outcome read(void* to, std::size_t size, std::size_t& count);
  /// With size 0: only the handshake goes on.
  tls_outcome write(const void* from, std::size_t size, std::size_t& count);

  /// Decrypted bytes are waiting that no event of the socket will tell of.
  bool has_pending() const noexcept { return tls_ && SSL_pending(tls_.get()) > 0; }
  /// Both directions fail from now on, and so does the socket.
  void end() noexcept;

  bool established() const noexcept { return established_; }
  /// Bytes received in all: a sign of life, even in the middle of a long frame.
  std::uint64_t received_bytes() const noexcept { return received_; }
  /// Why it failed, in words; empty: it did not.
  const std::string& why() const noexcept { return why_; }
  /// The common name in the peer's certificate; empty before the handshake.
  std::string peer_name() const;

private:
  tls_outcome shake_hands();
  tls_outcome settle(int returned, const char* doing);

  std::unique_ptr<SSL, tls_free> tls_;
  int socket_;
  bool connecting_ = false, established_ = false, ended_ = false;
  std::function<void()> on_established_;
  std::uint64_t received_ = 0;
  std::string why_;
};

} // namespace troupe::cluster
