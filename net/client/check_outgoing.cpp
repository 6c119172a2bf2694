// What may leave at all, before any address is known.
#include "net/client/transfer.hpp"

#include <algorithm>

namespace troupe::http::detail {

namespace {

constexpr std::size_t url_bytes_max = 8u << 10;

bool token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

bool plain_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

failure malformed_url() {
  return invalid("url_malformed", "The URL is not a valid http or https URL.");
}

failure refused_url(std::string why) {
  return invalid("url_refused", std::move(why));
}

std::optional<failure> check_url(const std::string& url) {
  const auto visible = [](char c) { return c > 0x20 && c != 0x7f; };
  if (url.size() > url_bytes_max || !std::all_of(url.begin(), url.end(), visible))
    return malformed_url(); // also everything beyond ASCII: it has to be escaped
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  const auto code =
      parsed ? curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) : CURLUE_OUT_OF_MEMORY;
  if (code == CURLUE_UNSUPPORTED_SCHEME)
    return refused_url("Only http and https URLs may be called.");
  if (code != CURLUE_OK)
    return malformed_url();
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parsed.get(), which, &text, 0) == CURLUE_OK)
      out = text;
    curl_free(text);
    return out;
  };
  const auto scheme = part(CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    return refused_url("Only http and https URLs may be called.");
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty() ||
      url.substr(0, url.find_first_of("/?#", url.find("//") + 2)).find('@') != std::string::npos)
    return refused_url("A URL must not carry a user name or password.");
  return part(CURLUPART_HOST).empty() ? std::optional(malformed_url()) : std::nullopt;
}

} // namespace

std::optional<failure> check_outgoing(const outgoing_request& what) {
  if (!token(what.method) || what.method == "CONNECT")
    return invalid("request_malformed", "The method is not an HTTP method.");
  for (const auto& [name, value] : what.headers)
    if (!token(name) || !plain_value(value))
      return invalid("request_malformed", "A header's name or value has forbidden bytes.");
  return check_url(what.url);
}

} // namespace troupe::http::detail
