#include "net/http/tls.hpp"

#include <boost/system/system_error.hpp>

namespace troupe::http::detail {

namespace ssl = boost::asio::ssl;

result<std::optional<ssl::context>> load_tls(const tls_files& files) {
  if (files.certificate_chain.empty())
    return std::optional<ssl::context>{};
  try {
    ssl::context context(ssl::context::tls_server);
    context.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                        ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                        ssl::context::no_compression | ssl::context::single_dh_use);
    auto* native = context.native_handle();
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!MD5:!DSS");
    context.use_certificate_chain_file(files.certificate_chain);
    context.use_private_key_file(files.private_key, ssl::context::pem);
    if (SSL_CTX_check_private_key(native) != 1)
      return failure{failure_kind::unavailable,
                     "tls_failed",
                     "The TLS private key does not belong to the certificate.",
                     {},
                     {}};
    return std::optional<ssl::context>(std::move(context));
  } catch (const boost::system::system_error&) {
    return failure{failure_kind::unavailable,
                   "tls_failed",
                   "The TLS certificate or private key cannot be read.",
                   "Both must be PEM files that this process may read.",
                   {}};
  }
}

} // namespace troupe::http::detail
