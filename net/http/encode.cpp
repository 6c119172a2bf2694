#include "net/http/encode.hpp"

#include "net/http/text.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace troupe::http::detail {

namespace {

constexpr std::size_t compress_bytes_min = 1024;

std::string_view reason(unsigned status) {
  switch (status) {
  case 101: return "Switching Protocols";
  case 200: return "OK";
  case 201: return "Created";
  case 202: return "Accepted";
  case 204: return "No Content";
  case 206: return "Partial Content";
  case 301: return "Moved Permanently";
  case 302: return "Found";
  case 303: return "See Other";
  case 304: return "Not Modified";
  case 307: return "Temporary Redirect";
  case 308: return "Permanent Redirect";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 402: return "Payment Required";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 406: return "Not Acceptable";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 410: return "Gone";
  case 412: return "Precondition Failed";
  case 413: return "Content Too Large";
  case 415: return "Unsupported Media Type";
  case 416: return "Range Not Satisfiable";
  case 417: return "Expectation Failed";
  case 422: return "Unprocessable Content";
  case 426: return "Upgrade Required";
  case 428: return "Precondition Required";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  case 505: return "HTTP Version Not Supported";
  case 507: return "Insufficient Storage";
  default: return "";
  }
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

bool owned_by_server(std::string_view name) {
  switch (name.size()) {
  case 4: return equal_ignoring_case(name, "date");
  case 10: return equal_ignoring_case(name, "connection");
  case 14: return equal_ignoring_case(name, "content-length");
  case 17: return equal_ignoring_case(name, "transfer-encoding");
  default: return false;
  }
}

std::string_view header_of(const response& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers)
    if (equal_ignoring_case(key, name))
      return value;
  return {};
}

bool compressible(std::string_view type) {
  type = trimmed(type.substr(0, type.find(';')));
  return type.starts_with("text/") || type == "application/json" || type.ends_with("+json") ||
         type == "application/javascript" || type.ends_with("+xml") || type == "application/xml" ||
         type == "application/yaml";
}

std::string gzip(std::string_view plain) {
  z_stream state{};
  constexpr int gzip_window_bits = 15 + 16, memory_level = 8, fast = 1;
  if (deflateInit2(&state, fast, Z_DEFLATED, gzip_window_bits, memory_level, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return {};
  std::string packed(deflateBound(&state, static_cast<uLong>(plain.size())), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  state.avail_in = static_cast<uInt>(plain.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  const bool done = deflate(&state, Z_FINISH) == Z_STREAM_END;
  packed.resize(done ? packed.size() - state.avail_out : 0);
  deflateEnd(&state);
  return packed;
}

} // namespace

void write_head(std::string& out, const response& answer, const head_style& style,
                std::string_view date) {
  out += "HTTP/1.1 ";
  append_number(out, answer.status);
  out += ' ';
  out += reason(answer.status);
  out += "\r\nDate: ";
  out += date;
  for (const auto& [name, value] : answer.headers) {
    if (owned_by_server(name) || !is_token(name) ||
        !std::all_of(value.begin(), value.end(), is_value_char))
      continue;
    out += "\r\n";
    out += name;
    out += ": ";
    out += value;
  }
  if (style.framing == framing_kind::length) {
    out += "\r\nContent-Length: ";
    append_number(out, style.length);
  } else if (style.framing == framing_kind::chunked) {
    out += "\r\nTransfer-Encoding: chunked";
  }
  if (style.close)
    out += "\r\nConnection: close";
  else if (style.keep_alive_1_0)
    out += "\r\nConnection: keep-alive";
  out += "\r\n\r\n";
}

std::string date_text(std::time_t at) {
  // Not strftime: its names follow the locale.
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&at, &utc);
  std::string out;
  const auto two = [&out](int number, char behind) {
    out += static_cast<char>('0' + number / 10 % 10);
    out += static_cast<char>('0' + number % 10);
    out += behind;
  };
  out += days[static_cast<std::size_t>(utc.tm_wday)];
  out += ", ";
  two(utc.tm_mday, ' ');
  out += months[static_cast<std::size_t>(utc.tm_mon)];
  out += ' ';
  append_number(out, static_cast<std::uint64_t>(utc.tm_year + 1900));
  out += ' ';
  two(utc.tm_hour, ':');
  two(utc.tm_min, ':');
  two(utc.tm_sec, ' ');
  out += "GMT";
  return out;
}

void compress(response& answer, bool accepted, std::size_t bytes_max) {
  const auto plain = body_of(answer);
  if (plain.size() < compress_bytes_min || plain.size() > bytes_max || bodiless(answer.status) ||
      answer.status == 206 || !header_of(answer, "content-encoding").empty() ||
      !compressible(header_of(answer, "content-type")))
    return;
  answer.headers.emplace_back("Vary", "Accept-Encoding");
  if (!accepted)
    return;
  auto packed = gzip(plain);
  if (packed.empty() || packed.size() >= plain.size())
    return;
  answer.body = std::move(packed);
  answer.shared_body.reset();
  answer.headers.emplace_back("Content-Encoding", "gzip");
}

bool wants_close(const response& answer) noexcept {
  return std::any_of(answer.headers.begin(), answer.headers.end(), [](const auto& header) {
    return equal_ignoring_case(header.first, "connection") && list_has(header.second, "close");
  });
}

} // namespace troupe::http::detail
