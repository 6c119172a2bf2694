#include "net/http/chunked.hpp"

#include "net/http/text.hpp"
#include "runtime/base/encoding.hpp"

#include <algorithm>

namespace troupe::http::detail {

namespace {

constexpr unsigned size_digits_max = 15;
constexpr std::size_t overhead_bytes_max = 16u << 10;

} // namespace

void chunked_decoder::refuse(const char* message) {
  refused_ = bad_request("bad_chunk", message);
}

void chunked_decoder::take_data(std::string_view& in, std::string& body) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
  body.append(in.substr(0, count));
  in.remove_prefix(count);
  left_ -= count;
  if (left_ == 0)
    at_ = at::data_cr;
}

bool chunked_decoder::feed(std::string_view& in, std::string& body, std::size_t body_bytes_max) {
  while (!in.empty() && at_ != at::done && !refused_) {
    if (at_ == at::data) {
      take_data(in, body);
      continue;
    }
    const char c = in.front();
    in.remove_prefix(1);
    step(c);
    if (at_ == at::data && left_ > body_bytes_max - std::min(body.size(), body_bytes_max))
      refused_ = body_too_large();
  }
  return at_ == at::done && !refused_;
}

void chunked_decoder::step(char c) {
  switch (at_) {
  case at::size:
    if (const int digit = hex_digit(c); digit >= 0 && digits_ < size_digits_max) {
      left_ = left_ * 16 + static_cast<unsigned>(digit);
      ++digits_;
    } else if (digits_ == 0 || digit >= 0) {
      refuse("A chunk has no size, or one that is too long.");
    } else if (c == '\r') {
      at_ = at::size_lf;
    } else if (c == ';') {
      at_ = at::extension;
    } else {
      refuse("A chunk's size is not hexadecimal.");
    }
    return;
  case at::extension:
  case at::trailer_line:
    if (c == '\r')
      at_ = at_ == at::extension ? at::size_lf : at::trailer_lf;
    else if (!is_value_char(c) || ++overhead_ > overhead_bytes_max)
      refuse("A chunk extension or trailer is too long or has control bytes.");
    return;
  case at::size_lf:
    at_ = left_ == 0 ? at::trailer : at::data;
    digits_ = 0;
    break;
  case at::data_lf: at_ = at::size; break;
  case at::trailer_lf: at_ = at::trailer; break;
  case at::last_lf: at_ = at::done; break;
  case at::data_cr:
    at_ = at::data_lf;
    if (c != '\r')
      refuse("A chunk is longer than its size.");
    return;
  case at::trailer:
    at_ = c == '\r' ? at::last_lf : at::trailer_line;
    if (c != '\r' && !is_token_char(c))
      refuse("A trailer is folded or has no name.");
    return;
  case at::data:
  case at::done: return;
  }
  if (c != '\n')
    refuse("A line of a chunked body does not end with CR LF.");
}

} // namespace troupe::http::detail
