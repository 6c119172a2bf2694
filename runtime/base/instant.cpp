#include "runtime/base/instant.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

using namespace std::chrono;

void put_digits(std::string& out, std::int64_t number, std::size_t width) {
  std::array<char, 4> digits{};
  for (std::size_t i = width; i-- > 0; number /= 10)
    digits[i] = static_cast<char>('0' + number % 10);
  out.append(digits.data(), width);
}

/// Reads RFC 3339 from left to right; any mismatch makes `ok` false for good.
class reader {
public:
  explicit reader(std::string_view text) : text_(text) {}

  int digits(std::size_t width) {
    int number = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const char c = next();
      ok_ = ok_ && c >= '0' && c <= '9';
      number = number * 10 + (c - '0');
    }
    return ok_ ? number : 0;
  }
  char one_of(std::string_view choices) {
    const char c = next();
    ok_ = ok_ && choices.find(c) != std::string_view::npos;
    return c;
  }
  /// An optional fraction of a second, cut to milliseconds.
  int fraction() {
    if (at_ >= text_.size() || text_[at_] != '.')
      return 0;
    ++at_;
    int ms = 0;
    int weight = 100;
    const std::size_t from = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, weight /= 10)
      ms += (text_[at_] - '0') * weight;
    ok_ = ok_ && at_ > from;
    return ms;
  }
  bool complete() const { return ok_ && at_ == text_.size(); }
  bool ok() const { return ok_; }

private:
  char next() {
    if (at_ < text_.size())
      return text_[at_++];
    ok_ = false;
    return '\0';
  }
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

std::optional<minutes> read_offset(reader& in) {
  const char sign = in.one_of("Zz+-");
  if (sign == 'Z' || sign == 'z')
    return minutes{0};
  const int hour = in.digits(2);
  in.one_of(":");
  const int minute = in.digits(2);
  if (!in.ok() || hour > 23 || minute > 59)
    return std::nullopt;
  const minutes offset = hours{hour} + minutes{minute};
  return sign == '-' ? -offset : offset;
}

} // namespace

std::string to_text(instant at) {
  constexpr auto first = sys_days{year{0} / January / 1};
  constexpr auto last = sys_days{year{9999} / December / 31} + days{1} - milliseconds{1};
  at = std::clamp(at, instant{first}, instant{last});
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  std::string out;
  out.reserve(24);
  put_digits(out, int{date.year()}, 4);
  out.push_back('-');
  put_digits(out, unsigned{date.month()}, 2);
  out.push_back('-');
  put_digits(out, unsigned{date.day()}, 2);
  out.push_back('T');
  put_digits(out, time.hours().count(), 2);
  out.push_back(':');
  put_digits(out, time.minutes().count(), 2);
  out.push_back(':');
  put_digits(out, time.seconds().count(), 2);
  out.push_back('.');
  put_digits(out, time.subseconds().count(), 3);
  out.push_back('Z');
  return out;
}

std::optional<instant> instant_from_text(std::string_view text) {
  reader in(text);
  const int year_number = in.digits(4);
  in.one_of("-");
  const int month_number = in.digits(2);
  in.one_of("-");
  const int day_number = in.digits(2);
  in.one_of("Tt ");
  const int hour = in.digits(2);
  in.one_of(":");
  const int minute = in.digits(2);
  in.one_of(":");
  const int second = in.digits(2); // 60 is a leap second; it becomes the next minute's first
  const int fraction = in.fraction();
  const auto offset = read_offset(in);
  if (!offset || !in.complete() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(day_number)}};
  if (!date.ok())
    return std::nullopt;
  return instant{sys_days{date} + hours{hour} + minutes{minute} + seconds{second} +
                 milliseconds{fraction} - *offset};
}

} // namespace troupe
