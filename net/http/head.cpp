#include "net/http/head.hpp"

#include "net/http/target.hpp"
#include "net/http/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace troupe::http::detail {

namespace {

method method_of(std::string_view verb) {
  if (verb == "GET")
    return method::get;
  if (verb == "POST")
    return method::post;
  if (verb == "HEAD")
    return method::head;
  if (verb == "PUT")
    return method::put;
  if (verb == "PATCH")
    return method::patch;
  if (verb == "DELETE")
    return method::delete_;
  return verb == "OPTIONS" ? method::options : method::other;
}

// The line without its CRLF; every line of a scanned head has one.
std::string_view cut_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

std::optional<refusal> read_request_line(std::string_view line, request& out, head_facts& facts) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last == first)
    return bad_request("bad_request_line", "The request line is not METHOD TARGET VERSION.");
  const auto verb = line.substr(0, first);
  const auto version = line.substr(last + 1);
  if (!is_token(verb) || verb.size() > 32)
    return bad_request("bad_request_line", "The method is not a token.");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    auto why = bad_request("http_version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    if (version.starts_with("HTTP/") && is_token(version.substr(5)))
      why.status = 505;
    return why;
  }
  facts.version_1_0 = version == "HTTP/1.0";
  out.verb_text = verb;
  out.verb = method_of(verb);
  return read_target(line.substr(first + 1, last - first - 1), out);
}

// Counts of the headers that must not be doubtful.
struct framing {
  unsigned hosts = 0, lengths = 0, codings = 0;
  bool close = false, keep_alive = false, upgrade = false, to_websocket = false;
};

std::optional<refusal> read_length(std::string_view value, head_facts& facts) {
  const char* end = value.data() + value.size();
  const auto digits = [](char c) { return c >= '0' && c <= '9'; };
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), digits);
  const auto read = std::from_chars(value.data(), end, facts.content_length);
  if (!plain || read.ec != std::errc{} || read.ptr != end || facts.content_length > INT64_MAX)
    return bad_request("bad_content_length", "Content-Length is not one decimal number.");
  return std::nullopt;
}

std::optional<refusal> note_header(std::string_view name, std::string_view value, framing& seen,
                                   head_facts& facts) {
  if (name == "host") {
    const auto bad = [](char c) { return c == ' ' || c == '\t' || c == ',' || c == '@'; };
    if (std::any_of(value.begin(), value.end(), bad))
      return bad_request("bad_host", "Host is not one name.");
    ++seen.hosts;
  } else if (name == "content-length") {
    ++seen.lengths;
    return read_length(value, facts);
  } else if (name == "transfer-encoding") {
    ++seen.codings;
    if (!equal_ignoring_case(value, "chunked"))
      return bad_request("bad_transfer_encoding", "Only the chunked transfer coding is known.");
    facts.chunked = true;
  } else if (name == "connection") {
    seen.close = seen.close || list_has(value, "close");
    seen.keep_alive = seen.keep_alive || list_has(value, "keep-alive");
    seen.upgrade = seen.upgrade || list_has(value, "upgrade");
  } else if (name == "upgrade") {
    seen.to_websocket = seen.to_websocket || list_has(value, "websocket");
  } else if (name == "accept-encoding") {
    facts.accepts_gzip = facts.accepts_gzip || accepts_gzip(value);
  } else if (name == "expect") {
    if (!equal_ignoring_case(value, "100-continue")) {
      auto why = bad_request("expectation_failed", "Only Expect: 100-continue is known.");
      why.status = 417;
      return why;
    }
    facts.expects_continue = true;
  }
  return std::nullopt;
}

std::optional<refusal> read_header(std::string_view line, request& out, framing& seen,
                                   head_facts& facts) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return bad_request("bad_header", "A header line has no colon.");
  if (!is_token(line.substr(0, colon)))
    return bad_request("bad_header", "A header name is empty, folded or not a token.");
  const auto value = trimmed(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_char))
    return bad_request("bad_header", "A header value has control bytes.");
  if (out.headers.size() == header_count_max)
    return header_too_large("too_many_headers", "The request has too many headers.");
  auto& added = out.headers.emplace_back(lower(line.substr(0, colon)), value);
  return note_header(added.first, added.second, seen, facts);
}

std::optional<refusal> settle(const framing& seen, request& out, head_facts& facts) {
  if (seen.hosts > 1 || (seen.hosts == 0 && !facts.version_1_0))
    return bad_request("bad_host", "The request needs exactly one Host header.");
  if (seen.lengths > 1)
    return bad_request("bad_content_length", "Content-Length is there more than once.");
  if (seen.codings > 1)
    return bad_request("bad_transfer_encoding", "Transfer-Encoding is there more than once.");
  if (seen.codings > 0 && (seen.lengths > 0 || facts.version_1_0))
    return bad_request("ambiguous_length", "The request's length can be read in two ways.");
  out.keep_alive = facts.version_1_0 ? seen.keep_alive && !seen.close : !seen.close;
  facts.expects_continue = facts.expects_continue && !facts.version_1_0;
  facts.upgrades_to_websocket =
      seen.upgrade && seen.to_websocket && out.verb == method::get && !facts.version_1_0;
  return std::nullopt;
}

} // namespace

bool head_scanner::scan(std::string_view bytes, const server_limits& limits) {
  if (refused_ || bytes.empty())
    return false;
  if (scanned_ == 0 && !is_token_char(bytes[0])) {
    refused_ = bad_request("bad_request_line", "This is not an HTTP request.");
    return false;
  }
  while (scanned_ < bytes.size()) {
    const auto* from = bytes.data() + scanned_;
    const auto* lf = static_cast<const char*>(std::memchr(from, '\n', bytes.size() - scanned_));
    const std::size_t seen = lf ? static_cast<std::size_t>(lf - bytes.data()) : bytes.size();
    if (first_line_ && seen > limits.request_line_bytes_max)
      refused_ = header_too_large("request_line_too_long", "The request line is too long.");
    else if (seen > limits.header_bytes_max)
      refused_ = header_too_large("headers_too_large", "The headers are too large.");
    else if (lf && (seen == 0 || bytes[seen - 1] != '\r'))
      refused_ = bad_request("bare_lf", "A line ends with LF and not with CR LF.");
    if (refused_)
      return false;
    scanned_ = lf ? seen + 1 : seen;
    if (!lf)
      return false;
    const bool empty_line = seen == line_begin_ + 1;
    line_begin_ = seen + 1;
    first_line_ = false;
    if (empty_line)
      return true;
  }
  return false;
}

std::optional<refusal> read_head(std::string_view head, request& out, head_facts& facts) {
  std::string_view rest = head;
  if (auto why = read_request_line(cut_line(rest), out, facts))
    return why;
  framing seen;
  out.headers.reserve(16);
  for (auto line = cut_line(rest); !line.empty(); line = cut_line(rest))
    if (auto why = read_header(line, out, seen, facts))
      return why;
  return settle(seen, out, facts);
}

} // namespace troupe::http::detail
