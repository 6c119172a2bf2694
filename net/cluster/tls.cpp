#include "net/cluster/tls.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <system_error>

namespace troupe::cluster {

namespace {

/// What OpenSSL last complained of in this thread; the rest is forgotten.
std::string last_tls_error() {
  const auto code = ERR_peek_last_error();
  const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
  if (code != 0 && !text && ERR_SYSTEM_ERROR(code))
    text = std::strerror(static_cast<int>(ERR_GET_REASON(code)));
  std::string out = text ? text : "";
  ERR_clear_error();
  return out;
}

failure tls_failed(std::string_view what, const std::string& file, const std::string& why) {
  const auto name = std::filesystem::path(file).filename().string();
  return {failure_kind::unavailable,
          "cluster_tls_failed",
          "The cluster's " + std::string{what} + (name.empty() ? "" : " \"" + name + "\"") + " " +
              why + ".",
          "Nodes talk by mutual TLS only: it takes the files of the authority's certificate, of "
          "the node's certificate and of its key, all PEM.",
          {}};
}

std::string reason_or(const std::string& otherwise) {
  const auto reason = last_tls_error();
  return reason.empty() ? otherwise : otherwise + ": " + reason;
}

/// An encrypted key must not ask at the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

} // namespace

result<tls_context_ptr> make_tls_context(const std::string& authority_file,
                                         const std::string& certificate_file,
                                         const std::string& key_file) {
  ERR_clear_error();
  if (authority_file.empty() || certificate_file.empty() || key_file.empty())
    return tls_failed(authority_file.empty()     ? "authority file"
                      : certificate_file.empty() ? "certificate file"
                                                 : "key file",
                      "", "is not given");
  tls_context_ptr context{SSL_CTX_new(TLS_method())};
  if (!context)
    return tls_failed("TLS", "", reason_or("cannot be set up"));
  auto* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // A resumed session would not look at the certificate again.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_mode(raw, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
  if (SSL_CTX_load_verify_locations(raw, authority_file.c_str(), nullptr) != 1)
    return tls_failed("authority file", authority_file, reason_or("cannot be read"));
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1)
    return tls_failed("certificate file", certificate_file, reason_or("cannot be read"));
  // This one also compares the key with the certificate.
  if (SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return tls_failed("key file", key_file,
                      reason_or("cannot be read, or does not match the certificate"));
  if (SSL_CTX_check_private_key(raw) != 1)
    return tls_failed("key file", key_file, reason_or("does not match the certificate"));
  return context;
}

tls_session::tls_session(SSL_CTX* context, int socket, bool accepts,
                         std::function<void()> established)
    : tls_(SSL_new(context)), socket_(socket), connecting_(!accepts),
      on_established_(std::move(established)) {
  if (!tls_ || SSL_set_fd(tls_.get(), socket) != 1) {
    why_ = reason_or("TLS cannot begin");
    ended_ = true;
    return;
  }
  if (accepts)
    SSL_set_accept_state(tls_.get());
  else
    SSL_set_connect_state(tls_.get());
}

void tls_session::end() noexcept {
  ended_ = true;
  ::shutdown(socket_, SHUT_RDWR);
}

tls_outcome tls_session::settle(int returned, const char* doing) {
  switch (SSL_get_error(tls_.get(), returned)) {
  case SSL_ERROR_WANT_READ:
  case SSL_ERROR_WANT_WRITE: return tls_outcome::wait;
  default: break;
  }
  const int system_error = errno;
  if (why_.empty()) {
    const auto verdict = SSL_get_verify_result(tls_.get());
    const auto reason = last_tls_error();
    if (verdict != X509_V_OK && !established_)
      why_ = std::string{"The peer's certificate is refused: "} +
             X509_verify_cert_error_string(verdict) + ".";
    else if (!reason.empty())
      why_ = std::string{doing} + ": " + reason + ".";
    else if (system_error != 0 && returned < 0)
      why_ = std::string{doing} + ": " + std::generic_category().message(system_error) + ".";
    else
      why_ = established_ ? "The peer closed the connection."
                          : "The peer closed the connection during the handshake.";
  }
  end();
  return tls_outcome::failed;
}

tls_outcome tls_session::shake_hands() {
  if (connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
      why_ = "Cannot connect: " + std::generic_category().message(error) + ".";
      end();
      return tls_outcome::failed;
    }
    connecting_ = false;
  }
  const int returned = SSL_do_handshake(tls_.get());
  if (returned != 1)
    return settle(returned, "The TLS handshake failed");
  established_ = true;
  on_established_();
  return tls_outcome::done;
}

tls_outcome tls_session::read(void* to, std::size_t size, std::size_t& count) {
  count = 0;
  if (ended_)
    return tls_outcome::failed;
  // What another connection left in the thread's queue would be taken for an error of this one.
  ERR_clear_error();
  errno = 0;
  if (!established_)
    if (const auto shaken = shake_hands(); shaken != tls_outcome::done)
      return shaken;
  const int returned = SSL_read_ex(tls_.get(), to, size, &count);
  if (returned != 1) {
    count = 0;
    return settle(returned, "The connection broke");
  }
  received_ += count;
  return tls_outcome::done;
}

tls_outcome tls_session::write(const void* from, std::size_t size, std::size_t& count) {
  count = 0;
  if (ended_)
    return tls_outcome::failed;
  ERR_clear_error();
  errno = 0;
  if (!established_)
    if (const auto shaken = shake_hands(); shaken != tls_outcome::done)
      return shaken;
  if (size == 0)
    return tls_outcome::done;
  const int returned = SSL_write_ex(tls_.get(), from, size, &count);
  if (returned != 1) {
    count = 0;
    return settle(returned, "The connection broke");
  }
  return tls_outcome::done;
}

std::string tls_session::peer_name() const {
  std::unique_ptr<X509, decltype(&X509_free)> certificate{SSL_get1_peer_certificate(tls_.get()),
                                                          X509_free};
  if (!certificate)
    return {};
  const auto* name = X509_get_subject_name(certificate.get());
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  const auto* entry = at < 0 ? nullptr : X509_NAME_get_entry(name, at);
  if (!entry)
    return {};
  const auto* text = X509_NAME_ENTRY_get_data(entry);
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

} // namespace troupe::cluster
