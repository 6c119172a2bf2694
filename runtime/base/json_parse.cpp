// JSON text to values: Boost.JSON's tokenizer, an own builder that reads number text itself.
#include "runtime/base/json.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <forward_list>
#include <functional>
#include <new>
#include <vector>

namespace troupe::json {

namespace {

using boost::json::error;
using boost::json::error_code;
using text_view = boost::json::string_view;

enum class refusal { none, duplicate_key, number_overflow };

/// Called by the tokenizer for each token. Finished values wait on one stack; the end of an array
/// or object takes its members from the top, so that each container is allocated once.
class builder {
public:
  static constexpr std::size_t max_object_size = object::max_size();
  static constexpr std::size_t max_array_size = array::max_size();
  static constexpr std::size_t max_key_size = string::max_size();
  static constexpr std::size_t max_string_size = string::max_size();

  explicit builder(std::string_view source) : source_(source) { values_.reserve(16); }

  value take() { return std::move(values_.back()); }
  refusal why() const noexcept { return why_; }
  const std::string& culprit() const noexcept { return culprit_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }

  bool on_object_end(std::size_t n, error_code& ec) {
    object members;
    members.reserve(n);
    const auto first_key = keys_.end() - static_cast<std::ptrdiff_t>(n);
    const auto first_value = values_.end() - static_cast<std::ptrdiff_t>(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::ptrdiff_t>(i);
      if (!members.emplace(first_key[at], std::move(first_value[at])).second)
        return refuse(refusal::duplicate_key, first_key[at], ec);
    }
    keys_.erase(first_key, keys_.end());
    values_.erase(first_value, values_.end());
    values_.emplace_back(std::move(members));
    return true;
  }

  bool on_array_end(std::size_t n, error_code&) {
    array elements;
    elements.reserve(n);
    const auto first = values_.end() - static_cast<std::ptrdiff_t>(n);
    for (auto at = first; at != values_.end(); ++at)
      elements.push_back(std::move(*at));
    values_.erase(first, values_.end());
    values_.emplace_back(std::move(elements));
    return true;
  }

  bool on_key_part(text_view part, std::size_t, error_code&) { return collect(part); }
  bool on_key(text_view last, std::size_t n, error_code&) {
    // A key without escapes is a piece of the source; only the others need a copy.
    if (n == last.size() && inside_source(last)) {
      keys_.push_back(last);
      return true;
    }
    collect(last);
    escaped_keys_.push_front(std::move(scratch_));
    scratch_.clear();
    keys_.push_back(escaped_keys_.front());
    return true;
  }

  bool on_string_part(text_view part, std::size_t, error_code&) { return collect(part); }
  bool on_string(text_view last, std::size_t n, error_code&) {
    if (n == last.size()) {
      values_.emplace_back(last);
      return true;
    }
    collect(last);
    values_.emplace_back(text_view(scratch_));
    scratch_.clear();
    return true;
  }

  bool on_number_part(text_view, error_code&) { return true; } // final calls carry all of it
  bool on_int64(std::int64_t number, text_view text, error_code&) {
    if (number == 0 && text.front() == '-')
      values_.emplace_back(-0.0);
    else
      values_.emplace_back(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, text_view, error_code&) {
    values_.emplace_back(number);
    return true;
  }
  bool on_double(double estimate, text_view text, error_code& ec) {
    double number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec == std::errc::result_out_of_range || !std::isfinite(number)) {
      if (!(std::fabs(estimate) < 1.0))
        return refuse(refusal::number_overflow, text, ec);
      number = text.front() == '-' ? -0.0 : 0.0; // too small for a double: zero
    }
    values_.emplace_back(number);
    return true;
  }

  bool on_bool(bool truth, error_code&) {
    values_.emplace_back(truth);
    return true;
  }
  bool on_null(error_code&) {
    values_.emplace_back(nullptr);
    return true;
  }
  bool on_comment_part(text_view, error_code&) { return true; }
  bool on_comment(text_view, error_code&) { return true; }

private:
  bool collect(text_view part) {
    scratch_.append(part.data(), part.size());
    return true;
  }

  bool inside_source(text_view part) const noexcept {
    const std::less<const char*> before;
    return !before(part.data(), source_.data()) &&
           !before(source_.data() + source_.size(), part.data() + part.size());
  }

  bool refuse(refusal why, text_view culprit, error_code& ec) {
    why_ = why;
    write_string(culprit_,
                 std::string_view(culprit.data(), std::min<std::size_t>(culprit.size(), 64)));
    ec = error::syntax;
    return false;
  }

  std::string_view source_;
  std::vector<value> values_;
  std::vector<text_view> keys_;
  std::forward_list<std::string> escaped_keys_;
  std::string scratch_;
  refusal why_ = refusal::none;
  std::string culprit_;
};

failure refused(std::string code, const std::string& what, std::size_t offset) {
  return {failure_kind::malformed,
          std::move(code),
          what + " at byte " + std::to_string(offset),
          {},
          {}};
}

failure explain(const builder& handler, error_code ec, std::size_t offset, std::size_t depth_max) {
  switch (handler.why()) {
  case refusal::duplicate_key:
    return refused("json_duplicate_key",
                   "duplicate key " + handler.culprit() + " in the object that ends", offset);
  case refusal::number_overflow:
    return refused("json_number", "a number is out of range: " + handler.culprit() + " that ends",
                   offset);
  case refusal::none: break;
  }
  if (ec == error::too_deep)
    return refused("json_too_deep",
                   "JSON is nested deeper than " + std::to_string(depth_max) + " levels", offset);
  if (ec == error::exponent_overflow)
    return refused("json_number", "a number's exponent is out of range", offset);
  return refused("json_syntax", "not valid JSON: " + ec.message(), offset);
}

result<value> parse_bounded(std::string_view text, const parse_limits& limits) {
  boost::json::parse_options options;
  options.max_depth = limits.depth_max;
  boost::json::basic_parser<builder> parser(options, text);
  error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (ec)
    return explain(parser.handler(), ec, used, limits.depth_max);
  if (used != text.size())
    return refused("json_syntax", "there is text after the JSON value", used);
  return parser.handler().take();
}

} // namespace

result<value> parse(std::string_view text, const parse_limits& limits) {
  if (text.size() > limits.bytes_max)
    return failure{failure_kind::too_large,
                   "json_too_large",
                   "JSON of " + std::to_string(text.size()) + " bytes; at most " +
                       std::to_string(limits.bytes_max) + " are accepted",
                   {},
                   {}};
  try {
    return parse_bounded(text, limits);
  } catch (const std::bad_alloc&) {
    return failure{failure_kind::exhausted, "memory", "not enough memory to read the JSON", {}, {}};
  } catch (const std::exception& e) {
    return refused("json_syntax", std::string("not valid JSON: ") + e.what(), 0);
  }
}

} // namespace troupe::json
