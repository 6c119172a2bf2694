// The server's TLS context. Included by .cpp files of this folder only.
#pragma once

#include "net/http/server.hpp"

#include <boost/asio/ssl/context.hpp>

#include <optional>

namespace troupe::http::detail {

/// Nothing when no certificate is set. TLS 1.2 and 1.3 with forward secrecy and AEAD ciphers.
/// Fails with code "tls_failed" when a file cannot be read or the key does not fit.
result<std::optional<boost::asio::ssl::context>> load_tls(const tls_files& files);

} // namespace troupe::http::detail
