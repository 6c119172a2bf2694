#include "runtime/expr/operators.hpp"

#include "runtime/expr/text.hpp"

#include <algorithm>
#include <limits>

namespace troupe::expr {

namespace {

struct bounds {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t step = 1;

  std::int64_t count() const noexcept {
    if (step > 0)
      return from < to ? (to - from - 1) / step + 1 : 0;
    return from > to ? (from - to - 1) / -step + 1 : 0;
  }
};

bool read(context& c, const operand& given, std::int64_t& out) {
  const json::value& v = given.get();
  if (v.is_null())
    return true;
  if (v.is_int64()) {
    // Far outside is as good as at the limit; this keeps the arithmetic below from overflowing.
    constexpr std::int64_t far = std::int64_t{1} << 60;
    out = std::clamp(v.get_int64(), -far, far);
    return true;
  }
  c.fail_type("a slice's bound must be an integer, not " + std::string(kind_name(v)));
  return false;
}

/// As Python's slice.indices.
std::optional<bounds> resolve(context& c, std::int64_t size, const operand& from, const operand& to,
                              const operand& step) {
  bounds b;
  if (!read(c, step, b.step))
    return std::nullopt;
  if (b.step == 0) {
    c.fail_value("a slice's step must not be zero");
    return std::nullopt;
  }
  const bool forward = b.step > 0;
  const std::int64_t lowest = forward ? 0 : -1;
  const std::int64_t highest = forward ? size : size - 1;
  constexpr std::int64_t open = std::numeric_limits<std::int64_t>::max();
  std::int64_t first = open;
  std::int64_t last = open;
  if (!read(c, from, first) || !read(c, to, last))
    return std::nullopt;
  const auto place = [&](std::int64_t at) {
    return std::clamp(at < 0 ? at + size : at, lowest, highest);
  };
  b.from = first == open ? (forward ? lowest : highest) : place(first);
  b.to = last == open ? (forward ? highest : lowest) : place(last);
  return b;
}

operand slice_text(context& c, std::string_view text, const bounds& b) {
  if (!c.pay_output(text.size()))
    return {};
  if (b.step == 1)
    return operand(json::value(code_points(text, static_cast<std::size_t>(b.from),
                                           static_cast<std::size_t>(std::max(b.from, b.to)))));
  std::vector<std::string_view> points;
  if (!c.pay_output(text.size() * sizeof(std::string_view)))
    return {};
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(points.back().size()))
    points.push_back(code_points(rest, 0, 1));
  json::string out;
  for (std::int64_t n = b.count(), at = b.from; n > 0; --n, at += b.step)
    out.append(points[static_cast<std::size_t>(at)]);
  return operand(std::move(out));
}

} // namespace

operand slice(context& c, operand base, const operand& from, const operand& to,
              const operand& step) {
  const json::value& v = base.get();
  if (v.is_null())
    return {};
  if (!v.is_string() && !v.is_array()) {
    c.fail_type("a slice works on text and lists, not on " + std::string(kind_name(v)));
    return {};
  }
  if (v.is_string() && !c.pay_scan(v.get_string().size()))
    return {};
  const std::size_t size = v.is_string() ? length_of(v.get_string()) : v.get_array().size();
  const auto b = resolve(c, static_cast<std::int64_t>(size), from, to, step);
  if (!b)
    return {};
  if (v.is_string())
    return slice_text(c, v.get_string(), *b);
  json::array out;
  if (!c.pay(static_cast<std::uint64_t>(b->count())) ||
      !c.pay_output(static_cast<std::size_t>(b->count()) * sizeof(json::value)))
    return {};
  out.reserve(static_cast<std::size_t>(b->count()));
  for (std::int64_t n = b->count(), at = b->from; n > 0 && !c.failed(); --n, at += b->step)
    out.push_back(copy(c, v.get_array()[static_cast<std::size_t>(at)]));
  return operand(std::move(out));
}

} // namespace troupe::expr
