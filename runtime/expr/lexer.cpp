#include "runtime/expr/token.hpp"

#include "runtime/base/utf8.hpp"
#include "runtime/expr/text.hpp"
#include "runtime/expr/tree.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace troupe::expr {

namespace {

constexpr std::array<std::string_view, 25> symbols = {
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<",
    ">",  "(",  ")",  "[",  "]",  "{",  "}", ",", ".", ":", "|", "="};

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool begins_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class lexer {
public:
  lexer(std::string_view text, std::size_t column) : text_(text), column_(column) {}

  result<std::vector<token>> run() {
    for (skip_space(); at_ < text_.size() && !failed_; skip_space()) {
      const char c = text_[at_];
      if (is_digit(c))
        number();
      else if (begins_name(c))
        name();
      else if (c == '"' || c == '\'')
        text_literal(c);
      else
        symbol();
    }
    if (failed_)
      return std::move(*failed_);
    tokens_.push_back({token_kind::end, {}, {}, text_.size()});
    return std::move(tokens_);
  }

private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_]))
      ++at_;
  }

  void fail(std::size_t at, const std::string& what) {
    if (!failed_)
      failed_ = syntax_failure(text_, at, column_, what);
  }

  std::size_t digits_end(std::size_t at) const {
    while (at < text_.size() && is_digit(text_[at]))
      ++at;
    return at;
  }

  void number() {
    const std::size_t from = at_;
    at_ = digits_end(at_);
    bool integral = true;
    // Behind a dot it is a list position, as in items.0.name.
    const bool position = !tokens_.empty() && tokens_.back().raw == ".";
    if (!position) {
      if (at_ + 1 < text_.size() && text_[at_] == '.' && is_digit(text_[at_ + 1])) {
        integral = false;
        at_ = digits_end(at_ + 1);
      }
      if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
        std::size_t exponent = at_ + 1;
        if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-'))
          ++exponent;
        if (digits_end(exponent) > exponent) {
          integral = false;
          at_ = digits_end(exponent);
        }
      }
    }
    if (at_ < text_.size() && begins_name(text_[at_]))
      return fail(from, "a number runs into a name");
    if (!position && at_ < text_.size() && text_[at_] == '.')
      return fail(from, "a number has no members");
    push_number(from, integral);
  }

  void push_number(std::size_t from, bool integral) {
    const std::string_view raw = text_.substr(from, at_ - from);
    const char* end = raw.data() + raw.size();
    std::int64_t whole = 0;
    if (integral && std::from_chars(raw.data(), end, whole).ec == std::errc{}) {
      tokens_.push_back({token_kind::number, raw, whole, from});
      return;
    }
    double real = 0;
    if (std::from_chars(raw.data(), end, real).ec != std::errc{} || !std::isfinite(real))
      return fail(from, "the number is out of range");
    tokens_.push_back({token_kind::number, raw, real, from});
  }

  void name() {
    const std::size_t from = at_;
    while (at_ < text_.size() && (begins_name(text_[at_]) || is_digit(text_[at_])))
      ++at_;
    const std::string_view raw = text_.substr(from, at_ - from);
    if (raw.find("__") != std::string_view::npos)
      return fail(from, "names with two underscores in a row are not allowed");
    tokens_.push_back({token_kind::name, raw, {}, from});
  }

  void symbol() {
    for (const std::string_view s : symbols)
      if (text_.substr(at_, s.size()) == s) {
        tokens_.push_back({token_kind::symbol, text_.substr(at_, s.size()), {}, at_});
        at_ += s.size();
        return;
      }
    fail(at_, "this character has no meaning here");
  }

  void text_literal(char quote) {
    const std::size_t from = at_++;
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote && !failed_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size())
        escape(value);
      else
        value.push_back(text_[at_++]);
    }
    if (at_ >= text_.size())
      return fail(from, "the text is not closed");
    ++at_;
    tokens_.push_back({token_kind::text, text_.substr(from, at_ - from), json::value(value), from});
  }

  void escape(std::string& value) {
    const char c = text_[at_ + 1];
    at_ += 2;
    switch (c) {
    case 'n': value.push_back('\n'); return;
    case 't': value.push_back('\t'); return;
    case 'r': value.push_back('\r'); return;
    case 'b': value.push_back('\b'); return;
    case 'f': value.push_back('\f'); return;
    case '\\':
    case '\'':
    case '"':
    case '/': value.push_back(c); return;
    case 'x': append_code_point(value, hex(2)); return;
    case 'u': unicode_escape(value); return;
    default: // as in Python: an unknown escape is no escape
      value.push_back('\\');
      --at_;
    }
  }

  void unicode_escape(std::string& value) {
    const std::size_t from = at_;
    char32_t point = hex(4);
    if (point >= 0xD800 && point < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const char32_t low = hex(4);
      if (low < 0xDC00 || low > 0xDFFF)
        return fail(from, "half a surrogate pair");
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    if (point >= 0xD800 && point < 0xE000)
      return fail(from, "half a surrogate pair");
    append_code_point(value, point);
  }

  char32_t hex(std::size_t width) {
    std::uint32_t point = 0;
    const std::string_view digits = text_.substr(at_, width);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
    if (digits.size() != width || read.ptr != digits.data() + width || digits[0] == '-')
      fail(at_, "an escape lacks hexadecimal digits");
    at_ += digits.size();
    return point;
  }

  std::string_view text_;
  std::size_t column_;
  std::size_t at_ = 0;
  std::vector<token> tokens_;
  std::optional<failure> failed_;
};

} // namespace

failure syntax_failure(std::string_view text, std::size_t at, std::size_t column,
                       const std::string& what) {
  return invalid("expression_syntax", what + " (column " +
                                          std::to_string(column + utf8_length(text.substr(0, at))) +
                                          ")");
}

result<std::vector<token>> tokenize(std::string_view text, std::size_t column) {
  if (text.size() > expression_bytes_max)
    return syntax_failure(text, 0, column, "the expression is longer than 16 KiB");
  if (!valid_utf8(text))
    return syntax_failure(text, 0, column, "the expression is not well-formed UTF-8");
  return lexer(text, column).run();
}

std::size_t find_close(std::string_view text) noexcept {
  std::size_t braces = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      for (++at; at < text.size() && text[at] != c; ++at)
        if (text[at] == '\\')
          ++at;
    } else if (c == '{') {
      ++braces;
    } else if (c == '}' && braces > 0) {
      --braces;
    } else if (c == '}' && text.substr(at, 2) == "}}") {
      return at + 2;
    }
  }
  return std::string_view::npos;
}

} // namespace troupe::expr
